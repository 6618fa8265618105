package imported

import (
	"cmp"
	"crypto/sha256"
	"fmt"
	"math"
	"slices"
	"strconv"
	"strings"

	"perg/data"
	"perg/harness/prompt"
	"perg/harness/rundir"
)

// An answered is one answer as a table has it.
type answered struct {
	asked
	setting    prompt.Setting
	preference string // the item's own; "": not known
	profile    int    // number of the preference; 0: it has none
	kind       string // type of the preference; "": to be looked up
	method     prompt.Method
	model      rundir.ModelInfo
	repeat     int32
	doneReason string
	response   *string // nil: not known
	lettered   bool    // it has a column for the letter that somebody read
	letter     *string // as it is there; nil: there is none
	likeliest  int     // of a row with the likelihoods of its options, the greatest; -1: none
}

// An asked is a question as a table has it.
type asked struct {
	id       string // "": told apart by its text
	source   string
	category string
	question string
	options  []string
	gold     int
}

// sources maps the names that the paper's files have to perg's.
var sources = map[string]string{"truthfulqa/truthful_qa": "truthfulqa", "tau/commonsense_qa": "commonsenseqa", "cais/mmlu": "mmlu"}

// A rowReader reads the answers of a table's rows.
type rowReader struct {
	layout
	Request
	bySource map[string]int   // rows so far
	alike    map[string]int   // rows so far of a question, where rows are questions and have no id
	rows     map[[16]byte]int // number of a row, by the hash of all that is read of it
	repeated int              // rows with a question that was there before
}

func newRowReader(l layout, r Request) *rowReader {
	return &rowReader{layout: l, Request: r, bySource: make(map[string]int), alike: make(map[string]int), rows: make(map[[16]byte]int)}
}

// read reads a row's answers. left is how many it has that were not asked for.
func (r *rowReader) read(row data.ForeignRow) (all []answered, left int, err error) {
	common, err := r.common(row)
	if err != nil {
		return nil, 0, err
	}
	place := r.bySource[common.source]
	r.bySource[common.source]++
	for _, s := range r.slots {
		if r.Assigned && !s.plain && s.profile != 1+place%(len(r.slots)-1) {
			left++
			continue
		}
		a := common
		if err := r.fill(&a, s, row); err != nil {
			return nil, 0, err
		}
		all = append(all, a)
	}
	return all, left, r.tellApart(all, row.Number)
}

// tellApart gives a question an id where it was there before in a table whose rows
// are questions: MMLU has some twice. A row that is another one in everything is
// an error: it was copied.
func (r *rowReader) tellApart(all []answered, row int) error {
	if r.form == Long || len(all) == 0 || all[0].id != "" {
		return nil
	}
	h := sha256.New()
	for _, a := range all {
		for _, text := range []*string{&a.question, &a.source, &a.preference, a.response, a.letter} {
			if text != nil {
				fmt.Fprintf(h, "%d %s", len(*text), *text)
			}
			h.Write([]byte{0})
		}
		fmt.Fprint(h, a.options, a.gold, a.likeliest, a.profile)
	}
	sum := [16]byte(h.Sum(nil))
	if before, copied := r.rows[sum]; copied {
		return fmt.Errorf("the row is the same as that at %d in all that is read: the same item, setting and preference twice; leave one out, or tell questions apart with --item COLUMN", before)
	}
	r.rows[sum] = row
	id := all[0].identity()
	r.alike[id]++
	if n := r.alike[id]; n > 1 {
		r.repeated++
		for i := range all {
			all[i].id = fmt.Sprintf("%s-%d", id, n)
		}
	}
	return nil
}

// get is the text of a field; "" where it is not known.
func (r *rowReader) get(row data.ForeignRow, f Field) string {
	if v := r.Values[f]; v != "" {
		return v
	}
	columns := r.columns[f]
	if columns == nil {
		return ""
	}
	v := single(row.Value(columns[0]))
	if v.Missing() && !(f == Setting && strings.EqualFold(strings.TrimSpace(v.Text), string(prompt.None))) {
		return ""
	}
	return strings.TrimSpace(v.Text)
}

// single takes values out of lists of one.
func single(v data.Value) data.Value {
	for len(v.List) == 1 {
		v = v.List[0]
	}
	return v
}

// common is what all answers of a row have.
func (r *rowReader) common(row data.ForeignRow) (a answered, err error) {
	column := func(f Field) string { return r.columns[f][0] }
	a.id, a.source, a.category = r.get(row, Item), r.get(row, Source), r.get(row, Category)
	a.source = cmp.Or(sources[a.source], a.source)
	if v := row.Value(column(Question)); v.List == nil {
		a.question = v.Text
	}
	if data.Missing(a.question) {
		return a, fmt.Errorf("%s: there is no question", column(Question))
	}
	if a.options, err = r.options(row); err != nil {
		return a, err
	}
	if n := len(a.options); n < 2 || n > data.MaxOptions {
		return a, fmt.Errorf("%s: a list of %d; an item has 2 to %d options", column(Options), n, data.MaxOptions)
	}
	if a.gold, err = single(row.Value(column(Gold))).ReadGold(a.options); err != nil {
		return a, fmt.Errorf("%s: %w", column(Gold), err)
	}
	a.preference, a.kind = r.get(row, Preference), r.get(row, PreferenceType)
	if types := data.PreferenceTypes(); a.kind != "" && !slices.Contains(types, data.PreferenceType(a.kind)) {
		return a, fmt.Errorf("preference type %q; there are: %s", a.kind, joined(types))
	}
	a.model = rundir.ModelInfo{
		Name: r.get(row, Model), Family: r.get(row, Family), ParameterSize: r.get(row, ParameterSize), Quantization: r.get(row, Quantization),
	}
	if a.model.Name == "" {
		return a, fmt.Errorf("%s: there is no model", column(Model))
	}
	a.model.Variant = cmp.Or(r.get(row, Variant), a.model.Name)
	a.doneReason = r.get(row, DoneReason)
	if text := r.get(row, Repeat); text != "" {
		n, ok := data.WholeNumber(text)
		if !ok || n < 0 || n > math.MaxUint16 {
			return a, fmt.Errorf("%s: %q is no number of a repeat, from 0", column(Repeat), text)
		}
		a.repeat = int32(n)
	}
	return a, nil
}

func joined[T ~string](all []T) string {
	names := make([]string, len(all))
	for i, s := range all {
		names[i] = string(s)
	}
	return strings.Join(names, ", ")
}

func (r *rowReader) options(row data.ForeignRow) ([]string, error) {
	columns := r.columns[Options]
	if len(columns) == 1 {
		options, err := row.Value(columns[0]).ReadOptions()
		if err != nil {
			return nil, fmt.Errorf("%s: %w; a list is ['a', 'b'] (Python, JSON) or ['a' 'b'] (NumPy)", columns[0], err)
		}
		return options, nil
	}
	var options []string
	for i, c := range columns {
		switch v := row.Value(c); {
		case v.List != nil:
			return nil, fmt.Errorf("%s: a list; of several columns each has one option", c)
		case v.Known && len(options) < i:
			return nil, fmt.Errorf("%s: there is an option here and none in %s", c, columns[i-1])
		case v.Known:
			options = append(options, v.Text)
		}
	}
	return options, nil
}

// fill is what a slot has of a row.
func (r *rowReader) fill(a *answered, s slot, row data.ForeignRow) (err error) {
	if a.setting, err = r.settingOf(a, s, row); err != nil {
		return err
	}
	if r.form != Long && a.setting != prompt.None {
		a.profile = s.profile
		if n := s.profile; n > 0 && len(r.Preferences) > 0 {
			if n > len(r.Preferences) {
				return fmt.Errorf("%s: the list of preferences has %d", s.response, len(r.Preferences))
			}
			a.preference = r.Preferences[n-1]
		}
	}
	if r.form == Pairs && a.setting == prompt.None {
		a.preference, a.kind = "", "" // which the other response is under
	}
	if a.method, err = r.methodOf(a, row); err != nil {
		return err
	}
	a.likeliest = -1
	if s.response != "" {
		v := single(row.Value(s.response))
		switch likeliest, ok := likeliest(v, len(a.options)); {
		case ok:
			a.likeliest = likeliest
		case v.List != nil:
			return fmt.Errorf("%s: %d responses in one; each has a row of its own", s.response, len(v.List))
		case v.Missing() && !slices.Contains(a.options, strings.TrimSpace(v.Text)):
		case v.Known:
			a.response = &v.Text
		}
	}
	if s.answer != "" && r.letters {
		a.lettered = true
		v := single(row.Value(s.answer))
		if v.List != nil {
			return fmt.Errorf("%s: %d letters in one", s.answer, len(v.List))
		}
		if !v.Missing() {
			a.letter = &v.Text
		}
	}
	return nil
}

func (r *rowReader) settingOf(a *answered, s slot, row data.ForeignRow) (prompt.Setting, error) {
	text := r.get(row, Setting)
	switch {
	case s.plain:
		return prompt.None, nil
	case text != "":
		setting, err := prompt.ParseSetting(text)
		if err == nil && r.form == Pairs && setting == prompt.None {
			err = fmt.Errorf("setting none: the row has a response with a preference beside the one without")
		}
		return setting, err
	case r.columns[Setting] != nil:
		return "", fmt.Errorf("%s: there is no setting; there are: %s", r.columns[Setting][0], joined(prompt.Settings()))
	case r.setting != "":
		return r.setting, nil
	case r.form == Long && a.preference == "":
		return prompt.None, nil
	default:
		return prompt.Relevant, nil
	}
}

// methodOf is how the model was asked. Without a preference it is asked zero-shot:
// that is the baseline, whatever the method of the answers that it is held against.
func (r *rowReader) methodOf(a *answered, row data.ForeignRow) (prompt.Method, error) {
	text := r.get(row, Method)
	if text == "" {
		return prompt.ZeroShot, nil
	}
	m, err := prompt.ParseMethod(text)
	switch {
	case err != nil || a.setting != prompt.None:
		return m, err
	case r.Values[Method] == "" && r.form == Long && m != prompt.ZeroShot:
		return m, fmt.Errorf("method %s without a preference: the baseline is asked zero-shot; import the rows of each method alone, with --set method=%s", m, m)
	default:
		return prompt.ZeroShot, nil
	}
}

// likeliest reads the likelihoods of n options, as lm-evaluation-harness has them
// of questions to which nothing is generated: pairs of a logarithm and whether the
// option is what greedy decoding gives. Of equal ones the first counts, as there.
func likeliest(v data.Value, n int) (option int, ok bool) {
	if len(v.List) != n || n < 2 {
		return 0, false
	}
	best := 0.0
	for i, of := range v.List {
		of = single(of)
		if len(of.List) != 2 {
			return 0, false
		}
		p, err := strconv.ParseFloat(of.List[0].Text, 64)
		if err != nil {
			return 0, false
		}
		if i == 0 || p > best {
			option, best = i, p
		}
	}
	return option, true
}
