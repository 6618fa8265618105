package ratings

import (
	"fmt"
	"strings"
	"testing"

	"perg/harness/results"
)

const header = "item_id,variant,method,setting,repeat,rating"

func knownItems(n int) map[results.Key]bool {
	known := make(map[results.Key]bool)
	for i := range n {
		known[key(i)] = true
	}
	return known
}

func TestReadForeignFiles(t *testing.T) {
	for name, text := range map[string]string{
		"other order and more columns": "Rating , x,REPEAT,setting,method,variant,item_id\n4,,0,relevant,zero-shot,v,1\n,,0,relevant,zero-shot,v,2\n",
		"rows of empty cells":          header + "\n1,v,zero-shot,relevant,0,4\n,,,,,\n\n2,v,zero-shot,relevant,0,\n ,,,,, \n",
		"Windows lines":                header + "\r\n1,v,zero-shot,relevant,0, 4 \r\n2,v,zero-shot,relevant,0,\r\n",
		"semicolons, commas in text":   strings.ReplaceAll(header, ",", ";") + ";\"a,b,c,d,e,f\"\n1;v;zero-shot;relevant;0;4;\"x,y\"\n2;v;zero-shot;relevant;0;;\n",
	} {
		f, err := Read("r.csv", strings.NewReader(text), knownItems(3))
		if err != nil {
			t.Errorf("%s: %v", name, err)
			continue
		}
		if len(f.People) != 1 || f.People[0].Scores[key(1)] != 4 || len(f.People[0].Scores) != 1 || f.Blank != 1 {
			t.Errorf("%s: %+v", name, f)
		}
	}
}

func TestReadSeveralPeople(t *testing.T) {
	f, err := Read("r.csv", strings.NewReader(header+",rater\n1,v,zero-shot,relevant,0,4,bo\n1,v,zero-shot,relevant,0,2,al\n2,v,zero-shot,relevant,0,,\n"), knownItems(3))
	if err != nil {
		t.Fatal(err)
	}
	if len(f.People) != 2 || f.People[0].Name != "al" || f.People[1].Scores[key(1)] != 4 || f.Blank != 1 {
		t.Errorf("%+v", f)
	}
}

func TestReadErrors(t *testing.T) {
	row := func(rating string) string { return "1,v,zero-shot,relevant,0," + rating + "\n" }
	for _, tt := range []struct{ name, text, want string }{
		{"empty", "", "r.csv: the file is empty"},
		{"only a mark", "\ufeff\n", "r.csv: the file is empty"},
		{"UTF-16", "\xff\xfei\x00", "r.csv: this is UTF-16"},
		{"no header", row("3"), "r.csv:1: the header lacks item_id, variant"},
		{"one missing", "item_id,variant,method,setting,rating\n", "r.csv:1: the header lacks repeat; it needs item_id, variant, method, setting, repeat, rating"},
		{"one missing, semicolons", "item_id;variant;method;setting;rating\n", "r.csv:1: the header lacks repeat;"},
		{"twice", header + ",rating\n", "r.csv:1: the header has two columns rating"},
		{"0", header + "\n" + row("0"), `r.csv:2: the rating "0" is not a whole number from 1 to 5`},
		{"6", header + "\n" + row("3") + row("6"), `r.csv:3: the rating "6"`},
		{"half", header + "\n" + row("3.5"), `r.csv:2: the rating "3.5"`},
		{"word", header + "\n" + row("good"), `r.csv:2: the rating "good"`},
		{"repeat", header + "\n1,v,zero-shot,relevant,x,3\n", `r.csv:2: the repeat "x"`},
		{"negative repeat", header + "\n1,v,zero-shot,relevant,-1,3\n", `r.csv:2: the repeat "-1"`},
		{"unknown", header + "\n\n1,w,zero-shot,relevant,0,3\n", "r.csv:3: no judge was asked about this generation: item 1, w, zero-shot, relevant, repeat 0"},
		{"twice rated", header + "\n" + row("3") + row("") + row("3"), "r.csv:4: rated already on line 2: item 1, v"},
		{"ragged", header + "\n1,v,3\n", "r.csv:2: the row has 3 cells, the header 6"},
		{"quote", header + "\n" + row("3") + "\"1\"x,v\n" + row("9"), "r.csv:3: this is no CSV at line 3"},
		{"no rater", header + ",rater\n1,v,zero-shot,relevant,0,3,\n", "r.csv:2: a rating without a rater"},
		{"Latin 1", header + ",rater\n1,v,zero-shot,relevant,0,3,Ren\xe9\n", "r.csv:2: column rater is not UTF-8"},
	} {
		f, err := Read("r.csv", strings.NewReader(tt.text), knownItems(3))
		if err == nil || !strings.Contains(err.Error(), tt.want) {
			t.Errorf("%s: %+v, %v, want %q", tt.name, f, err, tt.want)
		}
	}
}

// After a quote that is never closed, lines are not to be read as rows.
func TestReadStopsWhereItIsNoCSV(t *testing.T) {
	_, err := Read("r.csv", strings.NewReader(header+"\n1\"x,v\n1,v,zero-shot,relevant,0,9\n"), knownItems(3))
	if err == nil || strings.Contains(err.Error(), "\n") || !strings.Contains(err.Error(), "the lines after it were not read") {
		t.Errorf("%v, want one error", err)
	}
}

func TestReadListsTwentyErrorsAndCountsTheRest(t *testing.T) {
	_, err := Read("r.csv", strings.NewReader(header+"\n"+strings.Repeat("1,v,zero-shot,relevant,0,9\n", 25)), knownItems(3))
	if err == nil {
		t.Fatal("no error")
	}
	lines := strings.Split(err.Error(), "\n")
	if len(lines) != 21 || !strings.HasPrefix(lines[19], "r.csv:21: ") || lines[20] != "and 5 more; put these right first" {
		t.Errorf("%d lines, the last %q", len(lines), lines[len(lines)-1])
	}
}

func FuzzRead(f *testing.F) {
	f.Add(header + "\n1,v,zero-shot,relevant,0,4\n")
	f.Add("\ufeffrating;item_id;variant;method;setting;repeat;rater\r\n5;2;v;zero-shot;relevant;0;bo\r\n;;;;;;\r\n")
	f.Add(string(Form(nastyRows())))
	known := knownItems(3)
	f.Fuzz(func(t *testing.T, text string) {
		Untouched([]byte(text))
		filled, err := Read("r.csv", strings.NewReader(text), known)
		if err != nil {
			if !strings.HasPrefix(err.Error(), "r.csv:") {
				t.Errorf("%v does not name the file", err)
			}
			return
		}
		for _, p := range filled.People {
			for k, score := range p.Scores {
				if !known[k] || score < 1 || score > Categories {
					t.Errorf("%s is rated %d", k, score)
				}
			}
		}
		Agree(Judged{Judges: []Judge{{Name: "a", Scores: map[results.Key]int{key(1): 3, key(2): 1}}}, Keys: known}, filled)
	})
}

// What a form says of a generation comes back as it was.
func FuzzForm(f *testing.F) {
	for _, s := range nasty {
		f.Add(s, s)
	}
	f.Fuzz(func(t *testing.T, item, response string) {
		// CSV has no other line end within a cell than "\n", nor cells that are not text.
		item = strings.ToValidUTF8(strings.ReplaceAll(item, "\r", ""), "")
		row := Row{Key: results.Key{Cell: results.CellOf("v", "m", "relevant", ""), ItemID: item}, Response: strings.ToValidUTF8(response, "")}
		content := Form([]Row{row})
		if !Untouched(content) {
			t.Error("a new form is not blank")
		}
		text := fill(t, content, ',', func(int) string { return "3" })
		filled, err := Read("r.csv", strings.NewReader(text), map[results.Key]bool{row.Key: true})
		if err != nil || len(filled.People) != 1 || filled.People[0].Scores[row.Key] != 3 {
			t.Errorf("%+v, %v", filled, err)
		}
		if got := fmt.Sprint(Untouched([]byte(text))); got != "false" {
			t.Error("a rating may be overwritten")
		}
	})
}
