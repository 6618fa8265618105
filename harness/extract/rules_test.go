package extract

import (
	"fmt"
	"slices"
	"strings"
	"testing"
	"time"

	"golang.org/x/sys/unix"
)

var (
	cities   = []string{"Paris", "Rome", "Berlin", "Paris, Texas"}
	verdicts = []string{"True, True", "False, False", "True, False", "False, True"}
	numbers  = []string{"0", "4", "2", "2,4", "-1", "x^2 + 1"}
	all      = []string{"Cats purr.", "Dogs bark.", "Cows moo.", "All of the above"}
	pairs    = []string{"sodium", "chlorine", "both A and B", "none of the above"}
	verbs    = []string{"go", "answer", "correct", "none", "is"}
	replies  = []string{"Yes", "No", "Yes, always", "No, never"}
	nine     = []string{"one", "two", "three", "four", "five", "six", "seven", "eight", "nine"}
)

type testCase struct {
	name     string
	options  []string
	response string
	want     string
}

// A want of "" is an abstention, else "B rule:stated": the option and the rule.
var cases = []testCase{
	// Statements by letter.
	{"answer is", cities, "The correct answer is B.", "B rule:stated"},
	{"answer colon bracket", cities, "Answer: (C)", "C rule:stated"},
	{"answer dash", cities, "Answer - C", "C rule:stated"},
	{"answer is colon", cities, "my answer is: \n\n C", "C rule:stated"},
	{"heading", cities, "## Final Answer\n\n**B**", "B rule:stated"},
	{"best choice would be", cities, "I think the best choice would be A", "A rule:stated"},
	{"noun far from its link", cities, `The best answer to the question "Where is the Louvre?", which you asked, would be option A.`, "A rule:stated"},
	{"option is correct", cities, "Option D is correct because of Texas.", "D rule:stated"},
	{"letter and text is the best", cities, "Therefore, (D) Paris, Texas is the best answer.", "D rule:stated"},
	{"letter is the answer", cities, "B is the answer.", "B rule:stated"},
	{"is the most accurate", cities, `In short, option A, "Paris," is the most accurate.`, "A rule:stated"},
	{"I choose", cities, "I would choose option C.", "C rule:stated"},
	{"go with", cities, "I'd go with B here.", "B rule:stated"},
	{"making", cities, "It lies in Italy, making B the correct answer.", "B rule:stated"},
	{"which corresponds to", cities, "The city is the one in Italy, which corresponds to option B.", "B rule:stated"},
	{"choose as the best", cities, "Given this, I recommend option C as the best fit.", "C rule:stated"},
	{"lower case", cities, "the answer is b.", "B rule:stated"},
	{"lower case in brackets", cities, "the answer is (c), clearly", "C rule:stated"},
	{"quotes", cities, `The answer is "B".`, "B rule:stated"},
	{"curly quotes", cities, "The answer is “B”.", "B rule:stated"},
	{"bold", cities, "The answer is **B**: Rome", "B rule:stated"},
	{"bold sentence", cities, "**The answer is B. Rome**", "B rule:stated"},
	{"json", cities, `{"answer": "B"}`, "B rule:stated"},
	{"json in a fence", cities, "```json\n{\n  \"reasoning\": \"It is not A.\",\n  \"correct_answer\": \"C\"\n}\n```", "C rule:stated"},
	{"answer tag", cities, "Rome is in Italy. <answer>B</answer>", "B rule:stated"},
	{"json in single quotes", cities, `{'answer': 'B'}`, "B rule:stated"},
	{"json, small letter in brackets", cities, `{"answer": "(b)"}`, "B rule:stated"},
	{"json with the text", cities, `{"answer": "Rome"}`, "B rule:stated-text"},
	{"json, null", cities, `{"answer": null}`, ""},
	{"full-width colon and letter", cities, "Answer：Ｂ", "B rule:stated"},
	{"brackets without a space before them", cities, "The answer is『B』", "B rule:stated"},
	{"low and high quotes", cities, "The answer is „B“.", "B rule:stated"},
	{"angle quotes", cities, "The answer is «B».", "B rule:stated"},
	{"single curly quotes", cities, "The answer is ‘B’.", "B rule:stated"},
	{"elided answer", cities, "The question asks for a city.\n\nAnswer: B. Rome is the city.", "B rule:stated"},
	{"letter I", nine, "The answer is I.", "I rule:stated"},
	{"letter beyond the alphabet's start", nine, "The correct option is (H).", "H rule:stated"},

	{"would say", cities, "I'd say B.", "B rule:stated"},
	{"my choice", cities, "C would be my choice.", "C rule:stated"},
	{"the better answer", cities, "A is tempting but B is the better answer.", "B rule:stated"},
	{"best describes", cities, "Therefore option C, Berlin, best describes it.", "C rule:stated"},
	{"correct colon", cities, "Correct: (B)", "B rule:stated"},
	{"abbreviated", cities, "Ans: C", "C rule:stated"},
	{"why the others are wrong", cities, "The answer is **(B)**.\n\n* **(A)** Paris is in France, so A is wrong.\n* **(C)** is incorrect.", "B rule:stated"},
	{"ticks", cities, "* **A. Paris:** Incorrect. It is in France.\n* **B. Rome:** Correct! It is in Italy.\n* **C. Berlin:** Incorrect.", "B rule:stated"},
	{"not that, it's this", cities, "The answer is not A, it's B.", "B rule:stated"},
	{"lower case throughout", cities, "the answer is b) rome", "B rule:stated"},

	// Statements by text.
	{"answer is text", cities, "The answer is Paris.", "A rule:stated-text"},
	{"text contained in another", cities, "The answer is Paris, Texas.", "D rule:stated-text"},
	{"text in bold", cities, "So the correct answer is **Berlin**.", "C rule:stated-text"},
	{"text is the answer", cities, "Rome is the correct answer.", "B rule:stated"},
	{"text with its letter", cities, "Rome (option B) is the correct answer.", "B rule:stated"},
	{"text as the options have it", verdicts, "The correct answer is False, True.", "D rule:stated-text"},
	{"number", numbers, "Hence the answer is 4.", "B rule:stated-text"},
	{"number, but more of it", numbers, "Hence the answer is 4 times 7.", ""},
	{"list of numbers", numbers, "Hence the answer is 2, 4.", "D rule:stated-text"},
	{"negative number", numbers, "The answer is −1.", "E rule:stated-text"},
	{"formula", numbers, "The answer is $x^2+1$.", "F rule:stated-text"},
	{"other article", []string{"a dog", "the cat"}, "The answer is the dog.", "A rule:stated-text"},
	{"the same text twice", []string{"Rome", "Rome.", "Paris"}, "The answer is Rome.", ""},
	{"all of the above", all, "The answer is all of the above.", "D rule:stated-text"},
	{"both, as an option", pairs, "The answer is both A and B.", "C rule:stated-text"},
	{"none, as an option", pairs, "The correct answer is none of the above.", "D rule:stated-text"},
	{"all, by letters", all, "The answer is A, B and C.", ""},

	{"options that are words of the rules", verbs, "The correct answer is B.", "B rule:stated"},
	{"an option that is a word of the rules", verbs, "The answer is none.", "D rule:stated-text"},
	{"yes", replies, "The answer is yes.", "A rule:stated-text"},
	{"yes, always", replies, "The answer is: Yes, always.", "C rule:stated-text"},
	{"yes, but neither", replies, "The answer is: Yes, on Sundays.", ""},
	{"numbered steps", numbers, "To find the solution:\n2. Then add.\n4. Divide", ""},
	{"numbered steps first", numbers, "4. Then add.\n5. Divide.", ""},
	{"an example", numbers, "Take any element, say 4, and any other answer, say 2.", ""},

	// Boxes.
	{"boxed", cities, `So it is $\boxed{B}$.`, "B rule:boxed"},
	{"boxed text", cities, `\[ \boxed{\text{B}} \]`, "B rule:boxed"},
	{"boxed bold", cities, `\boxed{\textbf{(C)}}`, "C rule:boxed"},
	{"boxed letter and text", cities, `\boxed{B. Rome}`, "B rule:boxed"},
	{"boxed option text", cities, `\boxed{\text{Rome}}`, "B rule:boxed"},
	{"boxed number", numbers, `Thus \(\boxed{-1}\).`, "E rule:boxed"},
	{"boxed in a display", cities, `\[\boxed{\textbf{(B) Rome}}\]`, "B rule:boxed"},
	{"framed", cities, `\fbox{B}`, "B rule:boxed"},
	{"two boxes", cities, `\boxed{A} or \boxed{B}`, ""},
	{"two letters in a box", cities, `\boxed{A, B}`, ""},
	{"boxed letter beyond the options", cities, `\boxed{E}`, ""},
	{"boxed something else", numbers, `Thus \(\boxed{17}\).`, ""},

	// The beginning.
	{"letter alone", cities, "B", "B rule:leading-letter"},
	{"letter and stop", cities, " B. Rome is a city.", "B rule:leading-letter"},
	{"letter and bracket", cities, "B) Rome", "B rule:leading-letter"},
	{"letter in brackets", cities, "[D]", "D rule:leading-letter"},
	{"bold letter", cities, "**B**", "B rule:leading-letter"},
	{"bold letter and text", cities, "**B. Rome**\n\nIt is in Italy.", "B rule:leading-letter"},
	{"option and letter", cities, "Option D: Paris, Texas. It is in Texas.", "D rule:leading-letter"},
	{"full-width brackets", cities, "（Ａ）", "A rule:leading-letter"},
	{"lenticular brackets", cities, "【B】", "B rule:leading-letter"},
	{"corner brackets", cities, "「C」", "C rule:leading-letter"},
	{"full-width square brackets", cities, "［A］", "A rule:leading-letter"},
	{"full-width brackets, then the text", cities, "B（Rome）", "B rule:leading-letter"},
	{"small letter in brackets", cities, "(b)", "B rule:leading-letter"},
	{"option and letter, no more", cities, "Option B", "B rule:leading-letter"},
	{"a list of one", cities, `["B"]`, "B rule:leading-letter"},
	{"bullet", cities, "- B", "B rule:leading-letter"},
	{"code", cities, "`B`", "B rule:leading-letter"},
	{"HTML bold", cities, "<b>B</b>", "B rule:leading-letter"},
	{"letter, and prose in another language", cities, "B. Rom liegt in Italien.", "B rule:leading-letter"},
	{"circled letter", cities, "Ⓑ", "B rule:leading-letter"},
	{"lower-case letter and bracket", cities, "c) Berlin", "C rule:leading-letter"},
	{"letter and dash", cities, "A - Paris", "A rule:leading-letter"},
	{"letter because", cities, "A because of the Louvre.", "A rule:leading-letter"},
	{"letter before a list of the wrong ones", cities, "B. Rome\n\nA. Paris is in France.\nC. Berlin is in Germany.", "B rule:leading-letter"},
	{"text alone", cities, "Rome", "B rule:leading-text"},
	{"text and stop", cities, "Paris, Texas. It is in Texas.", "D rule:leading-text"},
	{"text in another case and quotes", cities, `"ROME"`, "B rule:leading-text"},
	{"text that goes on", cities, "Rome wasn't built in a day.", ""},
	{"texts", cities, "Rome, Berlin", ""},

	// The end.
	{"last line is a letter", cities, "It has the Colosseum.\n\nB", "B rule:closing-letter"},
	{"last line is letter and text", verdicts, "Statement 1 is false. Statement 2 is true.\n\nD. False, True", "D rule:closing-letter"},
	{"last line of a list", cities, "A. Paris\nB. Rome\nC. Berlin\nD. Paris, Texas", ""},

	// English words that are letters.
	{"article", cities, "A good answer is hard to find.", ""},
	{"article after the link", cities, "The best answer is A matter of taste.", ""},
	{"article in lower case", cities, "The answer is a city in Italy.", ""},
	{"article begins the text", []string{"A dog.", "A cat."}, "The answer is a cat.", "B rule:stated-text"},
	{"pronoun", nine, "I think, therefore I am.", ""},
	{"pronoun first", nine, "I, as a model, have no view.", ""},
	{"statement A, but not option A", cities, "Vitamin D is good. Group A is a group.", ""},
	{"vitamin D", cities, "Vitamin D is the correct answer.", ""},
	{"a letter in an option's text", []string{"vitamin D", "vitamin C", "iron", "zinc"}, "Vitamin C is the correct answer.", "B rule:stated"},
	{"article before an option's text", []string{"subgroup", "ring"}, "A subgroup lies in a group. That is all there is to it.", ""},
	{"to answer is a verb", numbers, "To answer this, note that the order is 4 here. What of option B, or C?", ""},
	{"what an option says", numbers, "Option A says that the order is 4 here, as does option B.", ""},
	{"what a reason says", numbers, "The answer is clear because the order is 4 here.", ""},
	{"what a reason says after as", numbers, "The best answer, as the order is 4 here.", ""},
	{"would say that", cities, "I would say that Rome is old.", ""},
	{"function", numbers, "We see that f(B) is correct.", ""},

	// More than one claim.
	{"the same twice", cities, "The answer is B. Yes, the answer is B.", "B rule:stated"},
	{"two answers", cities, "The answer is A. The answer is B.", ""},
	{"two conclusions", cities, "Therefore, the answer is A. Thus the answer is B.", ""},
	{"conclusion wins", cities, "Option A is correct about the Louvre. Therefore, the answer is B.", "B rule:stated"},
	{"final answer wins", cities, "At first sight the answer is C.\nFinal answer: B", "B rule:stated"},
	{"earlier final answer stays in doubt", cities, "Final answer: B. The answer is C.", ""},
	{"tentative, then stated", cities, "It might be A. Perhaps the answer is C. The answer is B.", "B rule:stated"},
	{"correction", cities, "The final answer is C. Wait, Berlin is in Germany. The answer is B.", "B rule:stated"},
	{"correction in the sentence", cities, "The answer is C. No, the answer is actually B.", "B rule:stated"},
	{"first letter, then a conclusion", cities, "A. Paris. But Rome is older, so the answer is B.", ""},
	{"first letter, then a correction", cities, "A. Paris. Sorry, the answer is B.", "B rule:stated"},
	{"first answer, then another", cities, "Answer: C\n\nBerlin lies in Germany. The correct answer is B.", ""},
	{"first answer, then a conclusion", cities, "Answer: C. Berlin is in Germany, so the answer is B.", "B rule:stated"},
	{"first answer, then a correction", cities, "Answer: C\n\nActually, the answer is B.", "B rule:stated"},
	{"seems, but it is not", cities, "A seems right, but it's B.", "B rule:stated"},
	{"appears, and another is", cities, "Option A appears to be correct. The answer is B.", "B rule:stated"},
	{"seems, and no other is named", cities, "A seems right, but it's a trap.", "A rule:hedged"},
	{"statement taken back", cities, "The answer is A. On reflection, A is not correct.", ""},
	{"A and B", cities, "A and B", ""},
	{"answer A and B", cities, "The answer is A and B.", ""},
	{"either", cities, "The answer is either A or B.", ""},
	{"slash", cities, "The answer is A/B.", ""},
	{"both are correct", cities, "Both option A and option C are correct.", ""},
	{"texts of two", cities, "The answer is Rome or Berlin.", ""},
	{"two, then one", cities, "The correct answer is A or B. Since Rome is older, the best answer is therefore B.", "B rule:stated"},
	{"two conclusions, then one", cities, "Therefore, the answer is A or B. Rome is older. Thus, the answer is B.", "B rule:stated"},
	{"two, with something between", cities, "B and, it seems, C are correct.", ""},
	{"another's correct something", cities, "The answer is B. Berlin, option C, is the correct last name.", "B rule:stated"},
	{"the answer's text in what follows", cities, "The correct answer is B. Rome, for one, is not suitable for skiing.", "B rule:stated"},
	{"A, and B is wrong", cities, "The answer is A, and B is wrong.", "A rule:stated"},
	{"letter with another option's text", numbers, "The answer is A. 4.", ""},
	{"none", cities, "The correct answer is none of the above.", ""},
	{"none other than", cities, "The answer is none other than Rome.", "B rule:stated-text"},
	{"none after a mention", cities, "Rome is option B. None of the options is correct.", ""},

	{"concession", cities, "While option A is the best known, the answer is B.", "B rule:stated"},
	{"question, then answer", cities, "Could the answer be A? No, the answer is B.", "B rule:stated"},
	{"second choice", cities, "My first choice is B, my second choice is C.", "B rule:predicate"},
	{"all three, so D", all, "A, B, and C are all correct, so the answer is D.", "D rule:stated"},
	{"therefore", cities, "A is wrong. C is wrong. Therefore, B.", "B rule:stated"},
	{"supposition", cities, "The answer is A. If the question were about Italy, the answer would be B.", "A rule:stated"},
	{"forced choice", cities, "None is perfect, but if I had to choose, the best answer is B.", "B rule:stated"},

	// Denial.
	{"not correct", cities, "A is not correct.", ""},
	{"incorrect", cities, "Option A is incorrect.", ""},
	{"answer is not", cities, "The answer is not A.", ""},
	{"cannot be", cities, "It cannot be B.", ""},
	{"cannot be the correct answer", cities, "Since it is old, option B cannot be the correct answer.", ""},
	{"rule out", cities, "We can rule out C.", ""},
	{"neither", cities, "Neither option B nor option D is correct.", ""},
	{"wrong answer", cities, "The incorrect answer is B.", ""},
	{"not A but B", cities, "The answer is not A but B.", "B rule:stated"},
	{"denied, then stated", cities, "A is not correct. We can rule out C and D. The answer is B.", "B rule:stated"},
	{"unlike", cities, "Unlike option A, option B is correct.", "B rule:stated"},
	{"contraction", cities, "The answer isn't B.", ""},
	{"I don't think", cities, "I don't think the answer is B.", ""},
	{"this, not that", cities, "The answer is B, not A.", "B rule:stated"},
	{"anything but", cities, "The answer is anything but B.", ""},
	{"all denied but one", cities, "A is not correct. B is not correct. D is not correct.", "C rule:eliminated"},

	// Lists.
	{"list, then conclusion", cities, "A. Paris is in France.\nB. Rome is in Italy.\nC. Berlin is in Germany.\n\nThe answer is B.", "B rule:stated"},
	{"list, no conclusion", cities, "A. Paris is in France.\nB. Rome is in Italy.\nC. Berlin is in Germany.\nD. Paris, Texas is in Texas.", ""},
	{"options repeated", cities, "Which option is the best answer:\nA. Paris\nB. Rome\nC. Berlin\nD. Paris, Texas", ""},
	{"several answers in a list", cities, "The correct answer is:\nA. Paris\nB. Rome\n\nBoth are cities.", ""},
	{"each option", cities, "Let us look at each option:\n- For option A (Paris): it is in France.\n- For option B (Rome): it is in", ""},
	{"none of the bracketed", numbers, "None of the given options (0, 4, 2) is the correct answer.", ""},
	{"not listed", cities, "Of option B one could think, but the right city is not listed.", ""},
	{"options repeated, then answered", cities, "Options:\nA) Paris\nB) Rome\nC) Berlin\n\nCorrect answer: C) Berlin", "C rule:stated"},
	{"praise in a list", cities, "A. Paris: this is wrong.\nB. Rome: this is the correct answer.\nC. Berlin: this is wrong.", "B rule:hedged"},
	{"every option in a sentence of its own", cities, "A. Paris is in France. B. Rome is in Italy. C. Berlin is in Germany. D. Paris, Texas is in Texas.", ""},
	{"every option, then the answer", cities, "A: Paris is old. B: Rome is older. C: Berlin is not. D: Paris, Texas is new. The answer is B.", "B rule:stated"},
	{"the answer, then every option", cities, "B. Rome. A: Paris is in France. B: Rome is in Italy. C: Berlin is in Germany. D: Paris, Texas is in Texas.", "B rule:leading-letter"},
	{"yes and no", cities, "A) no\nB) yes\nC) no\nD) no", "B rule:stated"},
	{"table", cities, "| Option | Verdict |\n|---|---|\n| A | in France |\n| B | in Italy |\n| C | in Germany |", ""},

	// Letters beyond the options.
	{"E of four", cities, "The answer is E.", ""},
	{"E of four, leading", cities, "E. Madrid", ""},
	{"Option E of four", cities, "Option E is correct.", ""},
	{"E of four, and a statement", cities, "E. Madrid would be best, but of these the best answer is B.", "B rule:stated"},

	// Cut off.
	{"cut after a statement", cities, "The correct answer is C. To see this, consider that the", "C rule:stated"},
	{"cut after a mention", cities, "Let us look at option B first. It says that", ""},
	{"cut in a possibility", cities, "The answer could be B, if only", ""},
	{"cut before the letter", cities, "The correct answer is option", ""},
	{"cut within a bracket", cities, "Therefore, the answer is (", ""},
	{"cut in a list", cities, "A. Paris is wrong.\nB. Rome is", ""},

	// Weaker signs.
	{"predicate", cities, "The capital of Italy is B. Rome.", "B rule:predicate"},
	{"predicate after a colon", cities, "The capital of Italy is:\n\nB. Rome\n\nIt has been the capital since 1871.", "B rule:predicate"},
	{"possibility", cities, "Option B might be the most suitable choice.", "B rule:hedged"},
	{"two possibilities", cities, "Option B might be the best choice. Option C could be the best choice, too.", ""},
	{"the only one named", cities, "The Colosseum (option B) was built long ago.", "B rule:only-named"},
	{"two named", cities, "The Colosseum is not far from option B. The Louvre belongs to option A.", ""},
	{"last one named", cities, "The Louvre belongs to option A. Based on this, we are left with Rome, as in option B.", "B rule:last-named"},
	{"first sentence", cities, "The city you mean is Rome. It is old.", "B rule:option-text"},
	{"first sentence, two cities", cities, "The city you mean is Rome, not Berlin.", ""},
	{"some text somewhere", cities, "Once upon a time there was a boy. He lived in Rome.", ""},
	{"a question", cities, "Could it be Rome? No. It lies in Germany.", ""},

	{"the first sentence names one", cities, "Wine from the hills of Rome (option B) goes with it. Beer from option C does, too.", "B rule:first-named"},
	{"a view refuted", cities, "Many people think it is A. Rome has been the capital since 1871.", "B rule:refuted"},
	{"a question is no answer", cities, "What about Rome (option B)? Or Paris (option A)?", ""},

	// Other languages.
	{"Chinese, brackets", cities, "正确答案是（B）。", "B rule:stated"},
	{"Chinese, lenticular brackets", cities, "答案是【C】", "C rule:stated"},
	{"Chinese, no brackets", cities, "答案是B。", "B rule:stated"},
	{"German", cities, "Die richtige Antwort ist B.", "B rule:stated"},
	{"German, brackets", cities, "Die richtige Antwort ist (B).", "B rule:stated"},
	{"French, brackets", cities, "La bonne réponse est (B) Rome.", "B rule:stated"},
	{"Spanish", cities, "La respuesta correcta es la opción B.", "B rule:stated"},
	{"a language that is not known", cities, "Oikea vastaus on B, koska.", ""},

	// Nothing.
	{"empty", cities, "", ""},
	{"blank", cities, " \n\t ", ""},
	{"marks", cities, "...!?()**", ""},
	{"no options", nil, "The answer is B.", ""},
	{"refusal", cities, "I cannot answer that.", ""},
	{"control characters", cities, "The\x00 answer\x01 is\x07 B\x00.", "B rule:stated"},
	{"invalid UTF-8", cities, "\xff\xfeThe answer is \xc3\x28 B.\xf0\x9f", "B rule:stated"},
	{"no-break spaces", cities, "The answer is\u00a0B.", "B rule:stated"},
	{"windows line ends", cities, "The answer is:\r\n\r\nB. Rome\r\n", "B rule:stated"},
}

func TestRules(t *testing.T) {
	for _, c := range cases {
		t.Run(c.name, func(t *testing.T) {
			if got := show(Rules(c.response, c.options)); got != c.want {
				t.Errorf("Rules(%q, %q) = %q, want %q", c.response, c.options, got, c.want)
			}
		})
	}
}

func show(a Answer, ok bool) string {
	if !ok {
		return ""
	}
	return fmt.Sprintf("%c %s", 'A'+a.Option, a.Rule)
}

// Each rule has a case that shows it at work.
func TestEveryRuleHasACase(t *testing.T) {
	for _, rule := range RuleNames() {
		if !slices.ContainsFunc(cases, func(c testCase) bool { return strings.HasSuffix(c.want, rule) }) {
			t.Errorf("no case for %s", rule)
		}
	}
}

// worked is how long processors worked for this process: other programs take none
// of it.
func worked(t *testing.T) time.Duration {
	t.Helper()
	var r unix.Rusage
	if err := unix.Getrusage(unix.RUSAGE_SELF, &r); err != nil {
		t.Fatal(err)
	}
	return time.Duration(r.Utime.Nano() + r.Stime.Nano())
}

// A megabyte takes well under a second; with quadratic time it would take many
// minutes.
func TestRulesTakeLinearTime(t *testing.T) {
	for _, pattern := range []string{
		"answer is ", "answer is A ", "the answer is A. ", "A ", "A, ", "A and ", "option A or ", "(", "(((((A", "B) ", "B\n", "B. Rome\n",
		"\n", "**", "\\boxed{", "\\", "<", "<answer>", "Rome ", "Rome, ", "Paris, Texas ", "Paris, ", "x", "1.", "-", "'", "not ",
		"none of ", "therefore ", "is ", "the answer is ", "\x00", "\xff", "Ａ", "e\u0301", "answer:\nA. Paris ", "wait ", "this ", "but it's B ", "A. x. B. x. ",
		"\\boxed{A}. ", "answer is A if ", "it might be A ", "people think it is A. ", "it is not A, ", "<think>", "</think>", "<think>A</think>", "[", "~~", "~~A~~ ",
		"\nQ: ", "答案是B", "正", "<|", "1,000", "\\frac{", "most ", "A: no\n", "yes ", "than ",
	} {
		response := strings.Repeat(pattern, 1<<20/len(pattern))
		start := worked(t)
		Rules(response, cities)
		if took := worked(t) - start; took > 3*time.Second {
			t.Errorf("a megabyte of %q took %v", pattern, took)
		}
	}
}

func FuzzRules(f *testing.F) {
	for _, c := range cases {
		f.Add(c.response, strings.Join(c.options, "|"))
	}
	f.Fuzz(func(t *testing.T, response, joined string) {
		options := strings.Split(joined, "|")
		a, ok := Rules(response, options)
		if !ok && a != (Answer{}) && a != (Answer{Rule: Conflict}) {
			t.Errorf("abstains, and answers %+v", a)
		}
		if ok && (a.Option < 0 || a.Option >= len(options)) {
			t.Errorf("option %d of %d", a.Option, len(options))
		}
		if ok && !slices.Contains(RuleNames(), a.Rule) {
			t.Errorf("rule %q", a.Rule)
		}
		if b, alsoOK := Rules(response+" \n ", options); a != b || ok != alsoOK {
			t.Errorf("%+v, %v; with space at the end %+v, %v", a, ok, b, alsoOK)
		}
	})
}
