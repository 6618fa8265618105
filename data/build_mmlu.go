package data

import (
	"cmp"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"slices"
	"strings"
)

// mmluSubjects are the subjects of MMLU that PERGData has, in the order of the
// paper's items, which decides what preference a question gets.
var mmluSubjects = []string{
	"abstract_algebra", "anatomy", "business_ethics", "college_biology", "college_chemistry", "college_mathematics",
	"college_medicine", "college_physics", "conceptual_physics", "electrical_engineering", "formal_logic",
	"high_school_biology", "high_school_chemistry", "high_school_mathematics", "high_school_microeconomics",
	"high_school_physics", "high_school_statistics", "marketing", "professional_accounting", "professional_law",
	"professional_medicine",
}

const mmluFileForms = "expected for each subject SUBJECT_test.csv (or .parquet, .jsonl, .json), SUBJECT/test-*.parquet or SUBJECT/test/*.parquet, or one file of all subjects"

// mmluPatterns are where people have the test questions of a subject, within a
// directory: as the authors' archive and copies of it have them, and as Hugging
// Face lays out datasets, those that it converts itself too.
var mmluPatterns = []string{
	"SUBJECT_test.csv", "test/SUBJECT_test.csv", "SUBJECT_test.csv.gz", "test/SUBJECT_test.csv.gz",
	"SUBJECT_test.parquet", "SUBJECT_test.jsonl", "SUBJECT_test.json", "SUBJECT_test.jsonl.gz", "SUBJECT_test.json.gz",
	"SUBJECT/test-*.parquet", "SUBJECT/test/*.parquet",
}

// mmluAllPatterns are where people have those of all subjects together.
var mmluAllPatterns = []string{"all/test-*.parquet", "all/test/*.parquet", "test-*.parquet", "test/[0-9]*.parquet"}

// readMMLU reads the test questions of the subjects, from a directory or from
// one file of all. Other subjects are left out, which a note says.
func readMMLU(path string) (questions []question, notes []string, bad faults) {
	if info, err := os.Stat(path); err == nil && !info.IsDir() {
		return readAllMMLU(path, []string{path})
	}
	if _, err := os.ReadDir(path); err != nil {
		bad.add(0, "%s: %w; %s", path, unnamed(err), mmluFileForms)
		return nil, nil, bad
	}
	find := func(pattern, subject string) []string {
		// The pattern is well formed, which is all that Glob has errors for.
		names, _ := fs.Glob(os.DirFS(path), strings.Replace(pattern, "SUBJECT", subject, 1))
		for i, name := range names {
			names[i] = filepath.Join(path, filepath.FromSlash(name))
		}
		return names
	}
	files := make(map[string][]string) // by subject
	others := 0
	for _, pattern := range mmluPatterns {
		others += len(find(pattern, "*"))
		for _, subject := range mmluSubjects {
			names := find(pattern, subject)
			others -= len(names)
			if has := files[subject]; len(has) > 0 && len(names) > 0 {
				bad.add(0, "%s and %s both have the questions of %s; keep one", has[0], names[0], subject)
				continue
			}
			files[subject] = append(files[subject], names...)
		}
	}
	if !slices.ContainsFunc(mmluSubjects, func(s string) bool { return len(files[s]) > 0 }) {
		for _, pattern := range mmluAllPatterns {
			if names := find(pattern, ""); len(names) > 0 {
				return readAllMMLU(path, names)
			}
		}
		bad.add(0, "%s: there are no test questions of MMLU; %s", path, mmluFileForms)
		return nil, nil, bad
	}
	for _, subject := range mmluSubjects {
		if len(files[subject]) == 0 {
			bad.add(len(bad), "%s: there are no test questions of %s; %s", path, subject, mmluFileForms)
		}
		for _, name := range files[subject] {
			more, _, faults := readMMLUFile(name, subject)
			questions = append(questions, more...)
			bad.append(faults)
		}
	}
	if others > 0 {
		notes = append(notes, fmt.Sprintf("mmlu: %d other files in %s were not read; PERGData has %d subjects of MMLU", others, path, len(mmluSubjects)))
	}
	return questions, notes, bad
}

// readAllMMLU reads files that name the subject of each question.
func readAllMMLU(path string, names []string) (questions []question, notes []string, bad faults) {
	leftOut := 0
	for _, name := range names {
		more, n, faults := readMMLUFile(name, "")
		questions = append(questions, more...)
		leftOut += n
		bad.append(faults)
	}
	if len(bad) == 0 {
		for i, subject := range mmluSubjects {
			if !slices.ContainsFunc(questions, func(q question) bool { return q.item.Category == subject }) {
				bad.add(i, "%s: there are no questions of %s; %s", path, subject, mmluFileForms)
			}
		}
	}
	slices.SortStableFunc(questions, func(a, b question) int {
		return cmp.Compare(slices.Index(mmluSubjects, a.item.Category), slices.Index(mmluSubjects, b.item.Category))
	})
	if leftOut > 0 {
		notes = append(notes, fmt.Sprintf("mmlu: %d questions of other subjects in %s were left out; PERGData has %d subjects of MMLU", leftOut, path, len(mmluSubjects)))
	}
	return questions, notes, bad
}

// readMMLUFile reads the questions of a subject or, where it is empty, those
// of all subjects of PERGData, and counts those of others.
func readMMLUFile(name, subject string) (questions []question, leftOut int, bad faults) {
	plain := strings.TrimSuffix(strings.ToLower(name), ".gz")
	if filepath.Ext(plain) != ".csv" && filepath.Ext(plain) != ".tsv" {
		return readQuestions(readRecords(name), func(text []byte) (Item, error) { return parseMMLU(text, subject) })
	}
	content, err := readPlain(name)
	if err != nil {
		bad.add(0, "%s: %w", name, err)
		return nil, 0, bad
	}
	return parseMMLUCSV(name, content, subject)
}
