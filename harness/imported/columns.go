package imported

import (
	"errors"
	"fmt"
	"slices"
	"strconv"
	"strings"

	"perg/harness/hint"
	"perg/harness/prompt"
)

// A Field is something that a table may say of an answer.
type Field string

// The fields. The names of flags that name their columns are theirs.
const (
	Item           Field = "item"
	Question       Field = "question"
	Options        Field = "options"
	Gold           Field = "gold"
	Source         Field = "source"
	Category       Field = "category"
	Preference     Field = "preference"
	PreferenceType Field = "preference-type"
	Setting        Field = "setting"
	Method         Field = "method"
	Model          Field = "model"
	Variant        Field = "variant"
	Family         Field = "family"
	ParameterSize  Field = "parameter-size"
	Quantization   Field = "quantization"
	Repeat         Field = "repeat"
	DoneReason     Field = "done-reason"
	Response       Field = "response"
	Answer         Field = "answer"
	Baseline       Field = "baseline"
	BaselineAnswer Field = "baseline-answer"
)

// A Known is a field with what it is, and the names under which its column is
// found where none is named: perg's own, those of the paper's files, and those of
// lm-evaluation-harness' samples, whose documents are in doc.
type Known struct {
	Field
	About string
	Names []string
	Value bool // one for all rows may be given in place of a column
}

// Fields lists the fields, in the order in which they are shown.
func Fields() []Known {
	return []Known{
		{Response, "the response; of a wide table with N for the number", []string{"response", "pref_res", "resps"}, false},
		{Baseline, "the response without a preference, where it has a column of its own", []string{"no_pref_res"}, false},
		{Answer, "the response's letter, which is taken as it is; of a wide table with N for the number", nil, false},
		{BaselineAnswer, "the letter of the response without a preference", []string{"no_pref_ans"}, false},
		{Question, "the question", []string{"question", "doc.question", "doc.query"}, false},
		{Options, "the list of options; or a column of each, separated by commas", []string{"options", "choices", "choices.text", "doc.options", "doc.choices", "doc.choices.text", "doc.mc1_targets.choices"}, false},
		{Gold, "the right option: its letter, text, or number from 0", []string{"gold_option", "gold", "doc.gold_option", "target", "answerKey", "doc.answerKey", "doc.gold", "doc.answer"}, false},
		{Setting, "the setting", []string{"setting", "doc.setting"}, false},
		{Preference, "the item's own preference", []string{"preference", "doc.preference"}, true},
		{PreferenceType, "its type", []string{"preference_type", "doc.preference_type"}, true},
		{Item, "what tells questions apart", []string{"item_id", "id", "doc.item_id", "doc.id"}, false},
		{Source, "the dataset that the question is from", []string{"source", "doc.source"}, true},
		{Category, "its category there", []string{"category", "subject", "doc.category", "doc.subject"}, true},
		{Model, "the model", []string{"model"}, true},
		{Variant, "the model at one quantization with its settings", []string{"variant"}, true},
		{Family, "the model's architecture", []string{"family"}, true},
		{ParameterSize, "its parameters, such as 46.7B", []string{"parameter_size"}, true},
		{Quantization, "the quantization of its weights", []string{"quantization"}, true},
		{Method, "the method", []string{"method", "doc.method"}, true},
		{Repeat, "the number of the repeat, from 0", []string{"repeat"}, false},
		{DoneReason, "why the response ended; length: at a limit of tokens", []string{"done_reason", "finish_reason"}, false},
	}
}

// A Form says how the answers to a question stand in a table.
type Form string

// The forms.
const (
	Long     Form = "long"     // a row is one answer
	Pairs    Form = "pairs"    // a row is an item: the response without its preference, and the one with it
	Profiles Form = "profiles" // a row is a question: a column without a preference, and one under each of several
)

// A layout is where a table has what.
type layout struct {
	form    Form
	columns map[Field][]string
	slots   []slot
	letters bool // slots have columns of letters, which are taken as they are
}

// A slot is a column of responses, of letters, or both, that each row has an
// answer in.
type slot struct {
	plain            bool // no preference is stated
	profile          int  // number of the preference, from 1; 0: the row says which
	response, answer string
}

// the paper's names of wide tables.
const profileResponses = "profile_N_res"

// arrange finds the columns of a table by what was asked for and by the names
// that are known.
func arrange(name string, columns []string, r Request) (layout, error) {
	l := layout{columns: make(map[Field][]string), letters: r.Columns[Answer] != ""}
	has := func(column string) bool { return slices.Contains(columns, column) }
	var wrong []error
	for _, f := range Fields() {
		named, ok := r.Columns[f.Field]
		wide := f.Field == Response || f.Field == Answer
		switch {
		case ok && has(named):
			l.columns[f.Field] = []string{named}
		case ok && f.Field == Options && strings.Contains(named, ","):
			for part := range strings.SplitSeq(named, ",") {
				if part = strings.TrimSpace(part); !has(part) {
					wrong = append(wrong, fmt.Errorf("--%s: there is no column %q", f.Field, part))
				}
				l.columns[f.Field] = append(l.columns[f.Field], part)
			}
		case ok && wide && len(numbered(named, columns)) > 0:
			l.columns[f.Field] = []string{named}
		case ok:
			wrong = append(wrong, missing(f, named, columns))
		case r.Values[f.Field] != "":
		case f.Field == Answer, f.Field == BaselineAnswer && !l.letters:
		default:
			if i := slices.IndexFunc(f.Names, has); i >= 0 {
				l.columns[f.Field] = f.Names[i : i+1]
			}
		}
	}
	if wrong == nil {
		wrong = append(wrong, l.place(columns, r)...)
	}
	if wrong != nil {
		return l, hint.Usage(fmt.Errorf("%s: %w\nits columns are: %s", name, errors.Join(wrong...), listed(columns)), "")
	}
	return l, nil
}

// missing says that a column is not there, and what may have been meant.
func missing(f Known, column string, columns []string) error {
	said := fmt.Sprintf("--%s: there is no column %q", f.Field, column)
	switch {
	case strings.Contains(column, "N") && (f.Field == Response || f.Field == Answer):
		said += ", nor any that has a number in the place of N"
	case f.Value:
		said += fmt.Sprintf("; for the same in all rows: --set %s=%s", f.Field, column)
	default:
		if at := slices.IndexFunc(columns, func(c string) bool { return strings.EqualFold(strings.TrimSpace(c), strings.TrimSpace(column)) }); at >= 0 {
			said += fmt.Sprintf("; did you mean %q?", columns[at])
		}
	}
	return errors.New(said)
}

// place finds out the form of a table and its columns of answers.
func (l *layout) place(columns []string, r Request) (wrong []error) {
	fault := func(format string, args ...any) { wrong = append(wrong, fmt.Errorf(format, args...)) }
	one := func(f Field) string {
		if l.columns[f] == nil {
			return ""
		}
		return l.columns[f][0]
	}
	has := func(column string) bool { return slices.Contains(columns, column) }
	response, answer := one(Response), one(Answer)
	if r.Columns[Response] == "" && len(numbered(profileResponses, columns)) > 0 {
		response = profileResponses
		l.columns[Response] = []string{response}
	}
	wide := func(column string) bool { return column != "" && !has(column) }
	switch {
	case response == "" && answer == "":
		fault("there is no column of responses (%s, %s); name it with --response COLUMN", strings.Join(known(Response).Names, ", "), profileResponses)
	case wide(response) || response == "" && wide(answer):
		l.form = Profiles
		l.slots = l.profiles(response, answer, columns, fault)
		if r.Columns[Preference] == "" {
			// A row has several, whatever else is said of its question.
			delete(l.columns, Preference)
			delete(l.columns, PreferenceType)
		} else {
			fault("--preference: the preferences of a table with a column for each are in a file, a line each: --preferences FILE")
		}
		if l.columns[Setting] != nil {
			fault("column %s: a table with a column for each preference has no column of settings", one(Setting))
		}
	case l.columns[Baseline] != nil || l.columns[BaselineAnswer] != nil:
		l.form = Pairs
		plain := slot{plain: true, response: one(Baseline), answer: one(BaselineAnswer)}
		if l.letters && plain.answer == "" {
			fault("--answer names the letters of the responses under a preference alone; name those without one with --baseline-answer COLUMN")
		}
		if (response == "") != (plain.response == "") {
			fault("only one of the two responses has a column; name the other with --response or --baseline")
		}
		l.slots = []slot{plain, {response: response, answer: answer}}
	default:
		l.form = Long
		l.slots = []slot{{response: response, answer: answer}}
		if l.columns[Setting] == nil && r.setting == "" && l.columns[Preference] == nil {
			fault("nothing says which rows are the baseline; name the column of settings with --setting COLUMN, or say what a file has: none=FILE relevant=FILE")
		}
	}
	if wide(answer) && l.form != Profiles {
		fault("--answer %s: columns with numbers are of a wide table, and so must the responses be: --response profile_N_res", answer)
	}
	if l.form != Profiles && r.Assigned {
		fault("--assigned is for tables with a column for each of several preferences")
	}
	if l.form != Profiles && len(r.Preferences) > 0 {
		fault("--preferences is for tables with a column for each of several preferences; here a column has them: --preference COLUMN")
	}
	for _, f := range []Field{Question, Options, Gold} {
		if l.columns[f] == nil {
			fault("there is no column of %s (%s); name it with --%s COLUMN", plainly[f], strings.Join(known(f).Names, ", "), f)
		}
	}
	if l.columns[Model] == nil && r.Values[Model] == "" {
		fault("the model is not known; name it: --set model=NAME, or its column: --model COLUMN")
	}
	used := make(map[string]Field)
	for _, f := range Fields() {
		for _, c := range l.columns[f.Field] {
			if other, twice := used[c]; twice {
				fault("column %q is named for two things, %s and %s", c, other, f.Field)
			}
			used[c] = f.Field
		}
	}
	return wrong
}

var plainly = map[Field]string{Question: "questions", Options: "options", Gold: "right options"}

func known(f Field) Known {
	all := Fields()
	return all[slices.IndexFunc(all, func(k Known) bool { return k.Field == f })]
}

// profiles are the columns that have a number where a name has N: 0 is the
// baseline.
func (l *layout) profiles(response, answer string, columns []string, fault func(string, ...any)) (slots []slot) {
	texts, letters := numbered(response, columns), numbered(answer, columns)
	numbers := texts
	if response == "" {
		numbers = letters
	}
	if answer != "" && letters == nil {
		fault("--answer %s is one column, and the responses have many; write N for the number, as in profile_N_answer", answer)
		return nil
	}
	for _, n := range numbers {
		s := slot{plain: n == 0, profile: n, response: at(response, n), answer: at(answer, n)}
		if answer != "" && !slices.Contains(letters, n) {
			fault("there is no column %s beside %s", s.answer, s.response)
		}
		slots = append(slots, s)
	}
	if !slices.Contains(numbers, 0) {
		fault("there is no column %s: number 0 is the baseline", at(max(response, answer), 0))
	}
	return slots
}

// numbered are the numbers that columns have in the place of a name's N, in
// order.
func numbered(name string, columns []string) (numbers []int) {
	before, after, ok := strings.Cut(name, "N")
	if !ok {
		return nil
	}
	for _, c := range columns {
		digits, ok := strings.CutPrefix(c, before)
		if ok {
			digits, ok = strings.CutSuffix(digits, after)
		}
		// As they are written, so that no two columns have one number.
		if n, err := strconv.ParseUint(digits, 10, 16); ok && err == nil && strconv.FormatUint(n, 10) == digits {
			numbers = append(numbers, int(n))
		}
	}
	slices.Sort(numbers)
	return numbers
}

// at is the name of the column with a number; "" of none.
func at(name string, n int) string { return strings.Replace(name, "N", strconv.Itoa(n), 1) }

// listed names columns, as many as a person reads.
func listed(columns []string) string {
	const most = 60
	names := slices.Clone(columns)
	for i, name := range names {
		if name == "" {
			names[i] = "(one without a name)"
		}
	}
	if len(names) > most {
		return fmt.Sprintf("%s, and %d more", strings.Join(names[:most], ", "), len(names)-most)
	}
	return strings.Join(names, ", ")
}

// checkValues says what is wrong with the values that stand for all rows.
func checkValues(values map[Field]string) error {
	var names []string
	for _, f := range Fields() {
		if f.Value {
			names = append(names, string(f.Field))
		}
	}
	for field, v := range values {
		switch {
		case !slices.Contains(names, string(field)):
			return hint.Usage(fmt.Errorf("--set %s=%s: there is no such thing to set", field, v), "there are: "+strings.Join(names, ", "))
		case strings.TrimSpace(v) == "":
			return hint.Usage(fmt.Errorf("--set %s= has no value", field), "what is not known is left out")
		}
	}
	if m := values[Method]; m != "" {
		if _, err := prompt.ParseMethod(m); err != nil {
			return hint.Usage(fmt.Errorf("--set method: %w", err), "")
		}
	}
	return nil
}
