package web

import (
	"cmp"
	"errors"
	"fmt"
	"net/http"
	"strconv"
	"strings"

	"perg/data"
	"perg/harness/explore"
	"perg/harness/printable"
	"perg/harness/ratings"
)

// The fields of the form, beside the ones that name the answer.
const (
	ratingField = "rating" // 1 to 5; the one that is given already takes it back
	thumbField  = "thumb"
	noteField   = "note"
)

// maxNote is the length of a note in bytes.
const maxNote = 4000

// form is nil where there is nothing to rate.
func (s *site) form(screen explore.Screen, l listing) *rateForm {
	if screen.Response == nil {
		return nil
	}
	f := &rateForm{Rateable: s.run.Rateable(screen.Line), File: printable.Text(s.ratings.Path), Hidden: l.query()}
	putKey(f.Hidden, screen.Key)
	sheet, err := s.marks()
	if err != nil {
		f.Trouble = printable.Text(err.Error())
		return f
	}
	f.Mark = sheet.Mark(screen.Key)
	return f
}

func (s *site) rate(w http.ResponseWriter, r *http.Request) {
	if err := r.ParseForm(); err != nil {
		s.fail(w, http.StatusBadRequest, "This was not saved", err.Error())
		return
	}
	if !s.wait(w, r) {
		return
	}
	key, l := readKey(r.PostForm), s.listing(r.PostForm)
	screen, err := s.run.Screen(r.Context(), key, l.filter)
	if err != nil {
		s.fail(w, http.StatusNotFound, "This was not saved", printable.Text(err.Error()))
		return
	}
	change, err := changeOf(r.PostForm, s.run.Rateable(screen.Line))
	if err == nil && screen.Response == nil {
		err = errors.New("there is no response to rate")
	}
	if err != nil {
		s.fail(w, http.StatusBadRequest, "This was not saved", printable.Text(err.Error()))
		return
	}
	row := ratings.Row{Key: screen.Key, Preference: screen.Generation.Preference, Response: *screen.Response}
	if b := screen.Baseline; b != nil {
		row.Question = cmp.Or(b.UserPrompt, data.Asked(b.Question, b.Options))
		if b.Response != nil {
			row.PlainResponse = *b.Response
		}
	}
	if err := s.ratings.change(row, change); err != nil {
		s.fail(w, http.StatusInternalServerError, "This was not saved", printable.Text(err.Error()))
		return
	}
	http.Redirect(w, r, l.answer(key)+"#rate", http.StatusSeeOther)
}

// changeOf is what a form asks for.
func changeOf(form map[string][]string, rateable bool) (func(*ratings.Mark), error) {
	field := func(name string) (string, bool) {
		values := form[name]
		if len(values) == 0 {
			return "", false
		}
		return values[0], true
	}
	text, rated := field(ratingField)
	rating, err := strconv.Atoi(text)
	switch {
	case rated && (err != nil || rating < 1 || rating > ratings.Categories):
		return nil, fmt.Errorf("the rating %q is not a whole number from 1 to %d", text, ratings.Categories)
	case rated && !rateable:
		return nil, errors.New("no judge is asked about this answer: there is nothing to compare a rating with")
	}
	thumb, thumbed := field(thumbField)
	if thumbed && thumb != ratings.ThumbUp && thumb != ratings.ThumbDown {
		return nil, fmt.Errorf("the thumb %q is neither %s nor %s", thumb, ratings.ThumbUp, ratings.ThumbDown)
	}
	note, noted := field(noteField)
	note = strings.TrimSpace(strings.ReplaceAll(note, "\r\n", "\n"))
	if len(note) > maxNote {
		return nil, fmt.Errorf("a note of %d bytes is longer than %d", len(note), maxNote)
	}
	return func(m *ratings.Mark) {
		if rated && m.Rating == rating {
			rating = 0
		}
		if rated {
			m.Rating = rating
		}
		if thumbed && m.Thumb == thumb {
			thumb = ""
		}
		if thumbed {
			m.Thumb = thumb
		}
		if noted {
			m.Note = strings.ToValidUTF8(note, "\uFFFD")
		}
	}, nil
}
