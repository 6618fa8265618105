package data

import (
	"bytes"
	"encoding/csv"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"slices"
	"strings"
)

const (
	mmluForm    = `a question of MMLU is {"question": ..., "subject": ..., "choices": [4 texts], "answer": 0 to 3}`
	mmluCSVForm = "a row of MMLU is question, 4 choices, answer (0 to 3 or A to D), with a header row of the columns question, choice0 to choice3 (or A to D, or choices as a list), answer, or without one"
)

// parseMMLU reads a question from JSON.
func parseMMLU(text []byte, subject string) (Item, error) {
	var r struct {
		Question *string         `json:"question"`
		Subject  string          `json:"subject"`
		Choices  []string        `json:"choices"`
		Answer   json.RawMessage `json:"answer"`
	}
	if err := decodeRecord(text, &r, mmluForm); err != nil {
		return Item{}, err
	}
	switch {
	case r.Question == nil:
		return Item{}, missing("question", fieldNames(text), mmluForm)
	case r.Choices == nil:
		return Item{}, missing("choices", fieldNames(text), mmluForm)
	case isNull(r.Answer):
		return Item{}, missing("answer", fieldNames(text), mmluForm)
	}
	return mmluItem(Item{Category: r.Subject, Question: *r.Question, Options: r.Choices}, plain(r.Answer), subject)
}

// mmluItem completes an item whose category is the subject that the record
// names, or empty. The subject is that of the file; where it is empty, the
// record's counts.
func mmluItem(it Item, answer, subject string) (Item, error) {
	it.Category = strings.TrimSpace(it.Category)
	switch {
	case subject == "" && it.Category == "":
		return Item{}, fmt.Errorf("the question has no subject, and the file is not that of one; %s", mmluFileForms)
	case subject == "" && !slices.Contains(mmluSubjects, it.Category):
		return Item{}, errLeftOut
	case subject != "" && it.Category != "" && it.Category != subject:
		return Item{}, fmt.Errorf("the subject is %q in the file of %s; remove the question, or rename the file", shorten(it.Category), subject)
	case subject != "":
		it.Category = subject
	}
	if len(it.Options) != 4 {
		return Item{}, fmt.Errorf("there are %d choices; a question of MMLU has 4", len(it.Options))
	}
	gold, ok := mmluAnswer(answer)
	if !ok {
		return Item{}, fmt.Errorf("the answer is %q; it is an index from 0 to 3 or a letter from A to D", shorten(answer))
	}
	it.Gold = gold
	return it, nil
}

// mmluAnswer reads an index from 0 to 3 or a letter from A to D.
func mmluAnswer(s string) (gold int, ok bool) {
	if i, ok := WholeNumber(s); ok {
		return i, i >= 0 && i < 4
	}
	s = strings.TrimSpace(s)
	return LetterIndex(bareLetter(s), 4)
}

// parseMMLUCSV reads questions from CSV. The first row is a header where it
// has a column of questions and one of answers.
func parseMMLUCSV(name string, content []byte, subject string) (questions []question, leftOut int, bad faults) {
	rows := newCSV(bytes.NewReader(content), func(first []string) bool {
		_, _, err := findMMLUColumns(first)
		return err == nil
	})
	rows.FieldsPerRecord = -1 // counted here, to say what was expected
	var columns *mmluColumns
	read := 0
	for {
		row, err := rows.Read()
		if err == io.EOF {
			break
		}
		if parse, ok := errors.AsType[*csv.ParseError](err); ok {
			addParseError(&bad, name, parse, row, len(row))
			return questions, leftOut, bad
		}
		line, _ := rows.FieldPos(0)
		if columns == nil {
			found, header, err := findMMLUColumns(row)
			if err != nil {
				bad.add(line, "%s:%d: %w", name, line, err)
				return nil, 0, bad
			}
			if columns = &found; header {
				continue
			}
		}
		read++
		if len(row) != columns.width {
			bad.add(line, "%s:%d: the row has %d fields, the first %d; quote fields that hold the separator", name, line, len(row), columns.width)
			continue
		}
		if addTextFaults(&bad, name, rows, row) {
			continue
		}
		it, err := columns.item(row, subject)
		switch {
		case errors.Is(err, errLeftOut):
			leftOut++
		case err != nil:
			bad.add(line, "%s:%d: %w", name, line, err)
		default:
			questions = append(questions, question{it, fmt.Sprintf("%s:%d", name, line)})
		}
	}
	if read == 0 {
		bad.add(1, "%s:1: there are no questions; %s", name, mmluCSVForm)
	}
	return questions, leftOut, bad
}

// mmluColumns are the places of what a row has.
type mmluColumns struct {
	width    int
	question int
	choices  []int // four, or one that is a list
	answer   int
	subject  int // -1: not there
}

// findMMLUColumns says what the first row of a file tells of all its rows, and
// whether it is a header.
func findMMLUColumns(row []string) (c mmluColumns, header bool, err error) {
	at := func(names ...string) int {
		return slices.IndexFunc(row, func(field string) bool { return slices.Contains(names, strings.ToLower(strings.TrimSpace(field))) })
	}
	c = mmluColumns{len(row), at("question", "input"), nil, at("answer", "target"), at("subject")}
	if c.question < 0 || c.answer < 0 {
		if _, ok := mmluAnswer(row[len(row)-1]); ok && len(row) == 6 {
			return mmluColumns{6, 0, []int{1, 2, 3, 4}, 5, -1}, false, nil
		}
		return c, false, fmt.Errorf("the first row is no header and no question (%d fields: %s); %s", len(row), shorten(fmt.Sprintf("%q", row)), mmluCSVForm)
	}
	for _, form := range [][]string{{"choice0", "choice1", "choice2", "choice3"}, {"a", "b", "c", "d"}, {"choices"}} {
		var places []int
		for _, name := range form {
			if i := at(name); i >= 0 {
				places = append(places, i)
			}
		}
		if len(places) == len(form) {
			c.choices = places
			return c, true, nil
		}
	}
	return c, false, fmt.Errorf("there are no columns of choices (found %s); %s", shorten(fmt.Sprintf("%q", row)), mmluCSVForm)
}

func (c mmluColumns) item(row []string, subject string) (Item, error) {
	it := Item{Question: row[c.question]}
	if c.subject >= 0 {
		it.Category = row[c.subject]
	}
	if len(c.choices) == 1 {
		var err error
		if it.Options, err = ParseList(row[c.choices[0]]); err != nil {
			return Item{}, fmt.Errorf("choices: %w; a list is ['a', 'b'] (Python) or ['a' 'b'] (NumPy)", err)
		}
	} else {
		for _, i := range c.choices {
			it.Options = append(it.Options, row[i])
		}
	}
	return mmluItem(it, row[c.answer], subject)
}
