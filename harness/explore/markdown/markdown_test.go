package markdown

import (
	"regexp"
	"strings"
	"testing"
	"unicode"

	"golang.org/x/net/html"
)

func TestHTML(t *testing.T) {
	for _, tt := range []struct{ text, want string }{
		{"**The answer** is *B*.", "<p><strong>The answer</strong> is <em>B</em>.</p>\n"},
		{"# Why\none\ntwo", "<p class=\"heading\">Why</p>\n<p>one<br>\ntwo</p>\n"},
		{"3. a\n4. b", "<ol start=\"3\">\n<li>a</li>\n<li>b</li>\n</ol>\n"},
		{"| a | b |\n|---|--:|\n| 1 | 2 |", "<table>\n<thead>\n<tr>\n<th>a</th>\n<th align=\"right\">b</th>\n</tr>\n</thead>\n<tbody>\n<tr>\n<td>1</td>\n<td align=\"right\">2</td>\n</tr>\n</tbody>\n</table>\n"},
		{"```python\nx < 1\n```", "<pre><code>x &lt; 1\n</code></pre>\n"},
		{`so \(a_1 * b_1 * c\) and \[x\]`, "<p>so <code class=\"formula\">\\(a_1 * b_1 * c\\)</code> and <code class=\"formula\">\\[x\\]</code></p>\n"},
		{"\\[\n\\boxed{A}\n\\]", "<p><code class=\"formula\">\\[\n\\boxed{A}\n\\]</code></p>\n"},
		{"$x_1$ and $$y_1$$ for $5 and $6", "<p><code class=\"formula\">$x_1$</code> and <code class=\"formula\">$$y_1$$</code> for $5 and $6</p>\n"},
		{"an open \\( and $$ stay", "<p>an open ( and $$ stay</p>\n"},
		{"[here](http://evil.example) ![i](http://evil.example/i.png) <http://evil.example>", "<p>[here](http://evil.example) ![i](http://evil.example/i.png) &lt;http://evil.example&gt;</p>\n"},
		{"[a]: http://evil.example \"t\"", "<p>[a]: http://evil.example &#34;t&#34;</p>\n"},
		{`<script>alert(1)</script><img src=x onerror="alert(2)">`, "<p>&lt;script&gt;alert(1)&lt;/script&gt;&lt;img src=x onerror=&#34;alert(2)&#34;&gt;</p>\n"},
		{"<div>\n*x*\n</div>", "<p>&lt;div&gt;<br>\n<em>x</em><br>\n&lt;/div&gt;</p>\n"},
		{"", ""},
	} {
		if got := string(HTML([]Span{{Text: tt.text}})); got != strings.ReplaceAll(tt.want, "<br>", "<br>") {
			t.Errorf("%q:\n%q, want\n%q", tt.text, got, tt.want)
		}
	}
}

func TestMarks(t *testing.T) {
	for _, tt := range []struct {
		spans []Span
		want  string
	}{
		{[]Span{{"The answer is ", ""}, {"A", "del"}, {".", ""}}, "<p>The answer is <del>A</del>.</p>\n"},
		{[]Span{{"- one\n", "ins"}, {"- two", ""}}, "<ul>\n<li><ins>one</ins></li>\n<li>two</li>\n</ul>\n"},
		{[]Span{{"**very good** and so", "ins"}}, "<p><strong><ins>very good</ins></strong><ins> and so</ins></p>\n"},
		{[]Span{{"1. a\n2. b", "del"}}, "<ol>\n<li><del>a</del></li>\n<li><del>b</del></li>\n</ol>\n"},
		{[]Span{{"```go\nx\n```\nafter", "ins"}}, "<pre><code><ins>x\n</ins></code></pre>\n<p><ins>after</ins></p>\n"},
		{[]Span{{"a ", ""}, {"**", "ins"}, {"b", ""}, {"**", "ins"}}, "<p>a <strong>b</strong></p>\n"},
		{[]Span{{"| a | b |\n|---|---|\n", ""}, {"| 1 | 2 |\n", "ins"}}, "<table>\n<thead>\n<tr>\n<th>a</th>\n<th>b</th>\n</tr>\n</thead>\n<tbody>\n<tr>\n<td><ins>1</ins></td>\n<td><ins>2</ins></td>\n</tr>\n</tbody>\n</table>\n"},
		{[]Span{{`\(x`, ""}, {"^2", "ins"}, {`\)`, ""}}, "<p><code class=\"formula\">\\(x<ins>^2</ins>\\)</code></p>\n"},
	} {
		if got := string(HTML(tt.spans)); got != tt.want {
			t.Errorf("%q:\n%q, want\n%q", tt.spans, got, tt.want)
		}
	}
}

var allowed = regexp.MustCompile(`^(p|br|strong|em|ul|ol|li|blockquote|pre|code|hr|table|thead|tbody|tr|th|td|ins|del|mark)$`)

// Whatever is written, no element comes of it that has not been asked for, and no
// letter is lost or signals itself.
func FuzzHTML(f *testing.F) {
	f.Add("**a** <script>x</script>", "[l](javascript:x)", "- i\n\n    code")
	f.Add("`a", "b`\n\n# c\n===", "$x$ \\(y\\) \uf8f0\uf8f1 &amp;")
	f.Add("```\na", "> q\n> [x]: y", "| a |\n|-|\n| b |")
	f.Add("\\(", "\\[ $$", "\x00\xff")
	f.Fuzz(func(t *testing.T, a, b, c string) {
		page := string(HTML([]Span{{Text: a}, {b, "ins"}, {c, ""}}))
		letters := func(text string) (n int) {
			for _, r := range text {
				if unicode.IsLetter(r) && r < 0x80 {
					n++
				}
			}
			return n
		}
		text := 0
		for z := html.NewTokenizer(strings.NewReader(page)); z.Next() != html.ErrorToken; {
			token := z.Token()
			if token.Type == html.TextToken {
				text += letters(token.Data)
				if strings.ContainsAny(token.Data, "\uf8f0\uf8f1") {
					t.Errorf("a signal is shown: %q", page)
				}
				continue
			}
			if !allowed.MatchString(token.Data) {
				t.Errorf("%q, %q, %q: there is a %s in %q", a, b, c, token.Data, page)
			}
			for _, attr := range token.Attr {
				if attr.Key != "start" && attr.Key != "align" && attr.Key != "class" {
					t.Errorf("%s has %s", token.Data, attr.Key)
				}
			}
		}
		whole := a + b + c
		if !strings.ContainsAny(whole, "&`~|") && text != letters(whole) { // an entity, the name of a language and a table's cells too many go
			t.Errorf("%q: %d letters of %d are shown: %q", whole, text, letters(whole), page)
		}
	})
}
