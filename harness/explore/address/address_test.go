package address

import (
	"net/url"
	"testing"

	"github.com/google/go-cmp/cmp"

	"perg/harness/explore"
)

// What an address says is what a filter was.
func TestRoundTrip(t *testing.T) {
	for want, f := range map[string]explore.Filter{
		"/": {Values: map[explore.Facet][]string{}},
		"/?beside=run%3Ab%3A1&beside=method%3Acot&outcome=broken&q=a+%26+b&re=1&sort=-score&variant=a%2Fb%3A1&variant=": {
			Values: map[explore.Facet][]string{explore.ByOutcome: {"broken"}, explore.ByVariant: {"a/b:1", ""}},
			Text:   "a & b", Regexp: true, Beside: explore.Beside{Run: true, Variant: "b:1", Method: "cot"}, Sort: explore.Sort{By: explore.SortScore, Down: true},
		},
	} {
		got := Of(f)
		if got != want {
			t.Errorf("%s, want %s", got, want)
		}
		u, err := url.Parse(got)
		if err != nil {
			t.Fatal(err)
		}
		if diff := cmp.Diff(f, Read(u.Query())); diff != "" {
			t.Error(diff)
		}
	}
	if got := In("20260102-150405", explore.Filter{}); got != "/?id=20260102-150405" {
		t.Error(got)
	}
}
