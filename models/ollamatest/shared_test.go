package ollamatest

import (
	"os"
	"testing"

	"perg/models"
	"perg/models/gguftest"
)

func TestMain(m *testing.M) { os.Exit(Main(m)) }

// A shared server is one test's, and then the next one's, who finds the models as
// that test wants them, however they were left.
func TestASharedServerIsLent(t *testing.T) {
	digest := func(t *testing.T, host string) string {
		t.Helper()
		client, err := models.NewClient(host)
		if err != nil {
			t.Fatal(err)
		}
		all, err := client.Catalogue(t.Context())
		if err != nil {
			t.Fatal(err)
		}
		m, ok := models.Find(all, "steady")
		if !ok {
			t.Fatalf("%s has no model steady: %v", host, all)
		}
		return m.Digest
	}
	says := func(letter string) map[string]gguftest.Chain {
		return map[string]gguftest.Chain{"steady": gguftest.Steady(letter)}
	}
	var host, was string
	t.Run("first", func(t *testing.T) {
		host = Shared(t, says("A"))
		if other := Shared(t, says("A")); other == host {
			t.Errorf("%s is lent twice at once", host)
		}
		was = digest(t, host)
	})
	for _, then := range []struct {
		letter string
		same   bool
	}{{"A", true}, {"B", false}} {
		t.Run("then "+then.letter, func(t *testing.T) {
			again := Shared(t, says(then.letter))
			if again != host {
				t.Errorf("%s is lent, where %s was free", again, host)
			}
			if is := digest(t, again); (is == was) != then.same {
				t.Errorf("the model that says %s is %s, that of the first test, which says A, is %s", then.letter, is, was)
			}
		})
	}
}
