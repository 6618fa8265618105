package extract

import (
	"maps"
	"slices"
	"strings"
)

// A class is the set of parts that a word can play in a claim.
type class uint32

const (
	noun     class = 1 << iota // what is claimed: the answer, the best choice
	namer                      // a letter right after it names an option: option B
	link                       // joins an option and what is said of it: is
	own                        // a link that brings its own subject: it's
	right                      // says of an option that it is the answer: correct
	wrong                      // or that it is not: incorrect
	denial                     // turns what follows round: not
	pick                       // the option after it is chosen: I choose
	drop                       // or dropped: rule out
	makes                      // the option after it is what is said next: making B the best
	doubt                      // what follows is only possible: might
	supposal                   // the whole sentence is: if
	finish                     // what follows concludes: therefore
	opener                     // as finish, where it begins a sentence: given
	turn                       // what follows corrects what came before: wait
	contrast                   // after "not A": but
	reason                     // begins a clause that says why: because
	joint                      // and, or
	guess                      // a letter right after it is what is thought: probably
	report                     // says what someone says: claim
	grade                      // grades the word after it: most
	singular                   // goes on after one option: is
	plural                     // goes on after several: are
	follow                     // goes on after a letter, never after an article
	other                      // before a noun, says it is not the answer: each option
	kind                       // what may be called the best besides a noun: description
	seeming                    // a link that leaves it open: seems
	special                    // is an idiom of its own
	filler                     // may stand between the parts
)

func (c class) has(k class) bool { return c&k != 0 }

// classes is the vocabulary. A word that is not in it ends whatever claim was
// being made.
var classes = func() map[string]class {
	m := map[string]class{}
	for _, e := range append(foreign, []struct {
		class class
		words string
	}{
		{noun | namer | filler, "answer option choice"},
		{noun | filler, "solution selection conclusion response letter ans verdict"},
		{noun, "one"},
		{namer | filler, "answers options choices situation situations scenario scenarios"},
		{link | singular | follow, "is was becomes remains comes stands emerges serves qualifies"},
		{link | singular | follow | seeming, "seems appears"},
		{link | follow, "be being been"},
		{link | follow | seeming, "seem appear"},
		{link | own, "it's that's"},
		{link | plural | follow, "are were"},
		{right | filler, "correct right best accurate appropriate suitable closest better optimal"},
		{wrong | filler, "incorrect wrong inaccurate invalid worst eliminated excluded ruled dismissed discarded rejected mistaken myth misconception"},
		{denial, "not never cannot can't neither nor couldn't wouldn't shouldn't don't didn't none unlike unlikely least less"},
		{denial | singular, "isn't wasn't doesn't"},
		{denial | plural, "aren't weren't"},
		{pick, "choose chose choosing chosen select selecting selected pick picking picked recommend go going opt leads " +
			"leaving leaves corresponds supports matches"},
		{makes, "making makes make"},
		{drop, "eliminate eliminating exclude excluding discard discarding reject rejecting rule ruling"},
		{doubt | follow, "can"},
		{doubt, "might may could perhaps possibly maybe whether initially while although though " +
			"possible potential plausible another second"},
		{guess | filler, "probably likely definitely certainly surely clearly obviously undoubtedly think presumably believe guess towards toward"},
		{report | filler, "think thinks thought believe believes believed say says said claim claims claimed argue argues argued assume assumes " +
			"shouts stated states suggested tempted"},
		{finish, "therefore thus hence so conclusion finally final overall ultimately consequently conclude accordingly summary " +
			"based considering"},
		{turn, "hmm hm wait correction apologies apologize sorry oops actually reconsidering rechecking"},
		{contrast | reason, "but rather instead"},
		{reason, "because since whereas while"},
		{other, "each every any other another first next this these original initial previous earlier trick"},
		{kind, "description statement representation match fit candidate explanation means method approach"},
		{grade | filler, "most more"},
		{supposal, "if assuming suppose imagine unless"},
		{opener | filler, "given"},
		{special, "settle settled settling on however suggest propose advise this none other listed among say that as no left remains remain bleibt would had were also than yes suppose imagine belief beliefs legend superstition described represented captured answered explained partially partly technically somewhat " + boxed},
		{joint | follow, "and or nor"},
		{follow, "because since for due which would with but in from that who will should can has so might may could if not cannot isn't here then too the this it we you"},
		{filler, "common popular fits works suits the a an my us you most likely definitely clearly indeed would to with for out labeled labelled only more must " +
			"should will considered still obviously certainly simply just by far of than fitting logical reasonable sensible " +
			"relevant precise that which who it as think believe mean both either does do has also too"},
	}...) {
		for w := range strings.FieldsSeq(e.words) {
			m[w] |= e.class
		}
	}
	return m
}()

// classOf is the class of a word, 0 where it is not in the vocabulary. Most
// words are not, and for most of those one empty slot says so, where a map
// would hash every letter first.
func classOf(word []byte) class {
	for at := slot(word); ; at++ {
		k := index[at%slots]
		if k == 0 {
			return 0
		}
		if e := &entries[k-1]; e.word == string(word) {
			return e.class
		}
	}
}

// slots is a power of two, several times the number of words.
const slots = 2048

// slot is where a word's entry is, or the first one to look at: a hash of its
// length and of three letters.
func slot(word []byte) uint32 {
	n := len(word)
	h := uint32(word[0]) | uint32(word[n-1])<<8 | uint32(word[n/2])<<16 | uint32(n)<<24
	return h * 0x9E3779B1 >> 16 % slots
}

type entry struct {
	word  string
	class class
}

// entries are the vocabulary, and index a hash table of them with open
// addressing: the position of an entry plus 1, or 0 in an empty slot.
var entries, index = func() (entries []entry, index [slots]uint16) {
	for _, word := range slices.Sorted(maps.Keys(classes)) {
		entries = append(entries, entry{word, classes[word]})
		at := slot([]byte(word))
		for index[at%slots] != 0 {
			at++
		}
		index[at%slots] = uint16(len(entries))
	}
	return entries, index
}()
