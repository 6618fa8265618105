package extract

import "testing"

var towns = []string{"Oslo", "Bergen", "Trondheim", "Stavanger"}

// Kinds of responses, each of which was once read wrongly or not at all. A want
// of "" is an abstention. Options are the towns unless others are given.
var kinds = []struct {
	kind  string
	cases []kindCase
}{
	{"thoughts", []kindCase{
		{"<thinking>Maybe A? The answer is A.</thinking>\nThe answer is C.", "C", nil},
		{"Let me think. The answer is A.\n</thinking>\n\nC", "C", nil},
		{"<think>\nThe answer is D", "", nil},
		{"<|channel|>analysis<|message|>Could be A. The answer is A.", "", nil},
		{"analysisWe need the capital. Answer A? No.assistantfinalThe answer is **B**.", "B", nil},
		{"[THINK]B is tempting, the answer is B.[/THINK]C. Trondheim", "C", nil},
		{"◁think▷The answer is A◁/think▷Answer: D", "D", nil},
		{"<think>ok</think>", "", nil},
		{"<|START_THINKING|>The answer is A.<|END_THINKING|><|START_RESPONSE|>The answer is C.<|END_RESPONSE|>", "C", nil},
		{"<reasoning>The answer is A because.</reasoning><answer>D</answer>", "D", nil},
	}},
	{"views of others", []kindCase{
		{"Some people claim the answer is B. It isn't: the correct answer is D.", "D", nil},
		{"A popular myth says that the answer is C. In truth, Bergen is the rainy one.", "B", nil},
		{"Critics argue that option A is correct. I disagree.", "", nil},
		{"You may have heard that it is B. Actually it is D.", "D", nil},
		{"My friend said the answer was A, but it is C.", "C", nil},
		{"Others would answer B. I choose C.", "C", nil},
		{"It is widely believed that B is correct. This is false; the correct option is A.", "A", nil},
		{"According to a common belief, the answer is A. That belief is wrong. The answer is D.", "D", nil},
	}},
	{"possibilities and choices", []kindCase{
		{"It might be A or B, but I'd go with D.", "D", nil},
		{"Possibly C. Still, the best answer is A.", "A", nil},
		{"The answer could be A, B or C. The answer is B.", "B", nil},
		{"Perhaps it is A, perhaps it is B.", "", nil},
		{"I guess C.", "C", nil},
		{"Likely D, though B is possible.", "D", nil},
		{"I'm leaning towards A.", "A", nil},
		{"Either A or D.", "", nil},
	}},
	{"conditions", []kindCase{
		{"If it rains, the answer is A; if it snows, the answer is B.", "", nil},
		{"If you mean the largest, then A. If you mean the wettest, then B.", "", nil},
		{"B would be correct if the question asked about rain. As it asks about oil, the answer is D.", "D", nil},
	}},
	{"revised answers", []kindCase{
		{"At first I thought A. But on reflection the answer is C.", "C", nil},
		{"Initially I chose A. After checking, I choose C.", "C", nil},
		{"First answer: B\nCorrected answer: D", "D", nil},
		{"The answer is A. No wait, the answer is C.", "C", nil},
		{"The answer is A.\n\nCorrection: the answer is C.", "C", nil},
		{"Draft: A\nFinal: C", "C", nil},
	}},
	{"lists", []kindCase{
		{"A: too small. B: rainy. C: north. D: oil, so this is it.", "", nil},
		{"A. Oslo - incorrect\nB. Bergen - correct\nC. Trondheim - incorrect\nD. Stavanger - incorrect", "B", nil},
		{"- A ✗\n- B ✗\n- C ✓\n- D ✗", "C", nil},
		{"✅ C. Trondheim\n❌ A. Oslo", "C", nil},
		{"A, B and D are incorrect, so the answer must be C.", "C", nil},
		{"Only C remains.", "C", nil},
	}},
	{"the text of an option", []kindCase{
		{"Bergen.", "B", nil},
		{"the Bergen", "B", nil},
		{"**Bergen**", "B", nil},
		{"The rainy city is **Bergen**.", "B", nil},
		{"The city you are looking for is Bergen.", "B", nil},
		{"I would say Bergen.", "B", nil},
	}},
	{"letter and text disagree", []kindCase{
		{"A. Bergen", "conflict", nil},
		{"The answer is C (Oslo).", "conflict", nil},
		{"Option B: Stavanger", "conflict", nil},
	}},
	{"a question that the model made up", []kindCase{
		{"The answer is B.\n\nQuestion: What is the capital of Peru?\nAnswer: A", "B", nil},
		{"B\n\nUser: next one please\nAssistant: C", "B", nil},
		{"Answer: C\n\nQ: Another?\nA: B", "C", nil},
	}},
	{"other languages", []kindCase{
		{"Die Antwort ist C.", "C", nil},
		{"Richtig ist D.", "D", nil},
		{"Die Antwort lautet B, nicht A.", "B", nil},
		{"A ist falsch. Die richtige Lösung ist C.", "C", nil},
		{"La réponse correcte est D.", "D", nil},
		{"Réponse : C", "C", nil},
		{"A n'est pas correct. La bonne réponse est B.", "B", nil},
		{"La risposta corretta è B.", "B", nil},
		{"La respuesta es C.", "C", nil},
		{"La opción correcta es la B.", "B", nil},
		{"A resposta é B.", "B", nil},
		{"A alternativa correta é a letra C.", "C", nil},
		{"Het juiste antwoord is D.", "D", nil},
		{"Правильный ответ — C.", "C", nil},
		{"Ответ: Б", "B", nil},
		{"A не подходит. Ответ B.", "B", nil},
		{"正确答案是C", "C", nil},
		{"答案是 **D**", "D", nil},
		{"我选择B。", "B", nil},
		{"选项A是错误的，正确答案是C。", "C", nil},
		{"B不对，应该选D。", "D", nil},
		{"正解はCです。", "C", nil},
		{"答えはBです。", "B", nil},
		{"Aは間違いです。正解はDです。", "D", nil},
		{"정답은 B입니다.", "B", nil},
		{"A는 틀렸습니다. 정답은 C입니다.", "C", nil},
		{"الإجابة الصحيحة هي ب", "B", nil},
	}},
	{"letters in other dress", []kindCase{
		{"The answer is 𝐂.", "C", nil},
		{"Ⓓ", "D", nil},
	}},
	{"options that are letters or end in one", []kindCase{
		{"Hepatitis B is the right one.", "C", []string{"Hepatitis C", "Hepatitis A", "Hepatitis B"}},
		{"The most important vitamin here is D.", "B", []string{"Vitamin A", "Vitamin D", "Vitamin C"}},
		{"The blood group is B.", "C", []string{"A", "O", "B", "AB"}},
		{"The answer is B.", "B", []string{"A", "O", "B", "AB"}},
		{"The note is F.", "B", []string{"A", "F", "G"}},
	}},
	{"what is said of the others, too", []kindCase{
		{"A. Oslo\n\nIt is dry. None of the other options (B, C or D) are correct.", "A", nil},
		{"C. Trondheim.\n\nIt's important to note that none of the options (A, B or D) are accurate.", "C", nil},
		{"Bergen, not Oslo, is the correct answer.", "B", nil},
		{"D. Stavanger.\n\nStavanger, not Oslo, is the correct answer. Oslo lies inland.", "D", nil},
		{"While option D is not entirely incorrect, the best answer is B.", "B", nil},
		{"Option A is not wrong as such. The answer is C.", "C", nil},
		{"B. Bergen\n\nIt rains there most. Option C is the closest, but it lies too far north.", "B", nil},
		{"The answer is either A or D, as both have oil. Looking closer, the option that best fits is D.", "D", nil},
		{"None of the towns fits fully. However, based on the rain, option B seems to be the most accurate.", "B", nil},
		{"None of the options is exact, but option C comes closest.", "C", nil},
		{"None of the options stands out. Going by rain alone, I would suggest B: \"Bergen\".", "B", nil},
		{"I would suggest option D.", "D", nil},
		{"I'd propose C, Trondheim.", "C", nil},
		{"The answer is B.\n\n    Question : Which town has the most oil?\nOptions:\nA. Oslo\nAnswer: A", "B", nil},
		{"Both statements A (Oslo) are correct.", "A", nil},
		{"The correct answer is C. Trondheim, as it is not a typical harbour", "C", nil},
	}},
	{"several and none, in other words", []kindCase{
		{"The best choices are:\n- Oslo\n- Bergen", "", nil},
		{"The options that fit are:\n\nA. Oslo, on its fjord.\nC. Trondheim, on its river.", "", nil},
		{"Some say so (Option: B), some do not (Option: C).", "", nil},
		{"Let us see.\nA. Oslo is dry.\nB. Bergen is wet.\nC.", "", nil},
		{"Oslo? Bergen? Hard to say.", "", nil},
		{"Oslo or Bergen is the safest answer.", "", nil},
		{"A and D are the stronger answers.", "", nil},
	}},
	{"choices in other words", []kindCase{
		{"### Conclusion\n\nBergen is the wettest of the four.", "B", nil},
		{"I'd settle on C.", "C", nil},
		{"Of the four towns, Stavanger best matches the clues.", "D", nil},
		{"A, B and D can be ruled out. That leaves C.", "C", nil},
		{"Answer → B", "B", nil},
		{"The right choice here? B.", "B", nil},
		{"From one perspective, it could be A. From another, D. On balance, D is the stronger answer.", "D", nil},
		{"While A and B are tempting, C is the stronger choice.", "C", nil},
		{"To answer your question, Bergen is the rainiest.", "B", nil},
		{"Pros of A: cheap. Pros of B: wet. Verdict: B.", "B", nil},
		{"Verdict: B", "B", nil},
		{"In short: Bergen.", "B", nil},
		{"I would have to say that it's C, Trondheim.", "C", nil},
		{"My vote goes to option D.", "D", nil},
		{"I'm inclined to say D.", "D", nil},
		{"I lean toward option D here.", "D", nil},
		{"Let's go with A.", "A", nil},
		{"I'll stick with option A.", "A", nil},
		{"All signs point to option C.", "C", nil},
		{"The evidence points to C. Trondheim.", "C", nil},
		{"That leaves us with B.", "B", nil},
		{"We are left with option B.", "B", nil},
		{"The town that best matches the clues is Stavanger.", "D", nil},
		{"Among these options, Stavanger (D) makes the most sense.", "D", nil},
		{"Option D makes the most sense.", "D", nil},
	}},
	{"the form that a preference asks for", []kindCase{
		{"Key points:\n- It rains a lot there.\n- It lies on the coast.\n\nSo my pick is Bergen.", "B", nil},
		{"Key points:\n- It rains a lot there.\n\nMy pick: B", "B", nil},
		{"Let me tell you a story. Once an old sailor came home in the rain. The town he came home to? Bergen (B), of course.", "B", nil},
		{"And so, dear friend, the answer to your riddle is none other than Bergen.", "B", nil},
		{"And so, my friend, the answer, as you may have guessed, is C. Trondheim.", "C", nil},
		{"| Option | Verdict |\n|---|---|\n| A. Oslo | no |\n| B. Bergen | yes |\n| C. Trondheim | no |\n| D. Stavanger | no |", "B", nil},
		{"| Option | Fits? |\n|---|---|\n| A | ❌ |\n| B | ✅ |\n| C | ❌ |\n| D | ❌ |", "B", nil},
		{"## Answer\n\n**B. Bergen**\n\n## Why\n\nIt rains.", "B", nil},
		{"### Step 1\nOslo is inland.\n### Step 2\nBergen is wet.\n### Conclusion\nB", "B", nil},
		{"TL;DR: Bergen (B).", "B", nil},
		{"Imagine you stand on the quay with an umbrella. You are in Bergen, option B.", "B", nil},
		{"Correct option: (b)", "B", nil},
		{"From a cultural perspective, option A would be the most fitting choice. From an economic perspective, option A also stands out.", "A", nil},
		{"Given your preference for short answers: D.", "D", nil},
		{"Since you prefer stories, here is one. A man walked north until he came to Trondheim. There he found the cathedral. (Answer: C)", "C", nil},
		{"The best answer, given your preference for detail, is option B.", "B", nil},
		{"A: No.\nB: No.\nC: Yes.\nD: No.", "C", nil},
		{"And the winner is... C!", "C", nil},
		{"Summary: C. Explanation: it is in the middle.", "C", nil},
		{"Short answer: C. Long answer: there are also reasons for A and B.", "C", nil},
	}},
	{"no single answer", []kindCase{
		{"None of these is correct.", "", nil},
		{"I can't tell.", "", nil},
		{"All of them are correct.", "", nil},
		{"Both A and D apply.", "", nil},
		{"What about C?", "", nil},
	}},
	{"no letters, and no choices", []kindCase{
		{"Answer: A rainy town is likely to be found in Bergen (option B).", "B", nil},
		{"The answer is C. It lies inland (i.e. on a fjord), so there is less rain.", "C", nil},
		{"D is the best answer. Choosing Bergen (option B) would be a mistake.", "D", nil},
		{"In summary, options B and D, \"Bergen\" and \"Stavanger\", are the best answers.", "", nil},
		{"In Oslo (A) it snows, in Stavanger (D) it is windy. It can also be Bergen (option B).", "B", nil},
		{"Oslo (A) and Bergen (B) lie on fjords. Based on that, Stavanger (option D) is not a place with much snow.", "", nil},
		{"The answer is B, which is more likely than option C.", "B", nil},
		{"The answer is B. It is not only rainy but also the best option.", "B", nil},
	}},
	{"under a heading", []kindCase{
		{"Preference: I prefer short replies.\n\nResponse: The rain falls hardest in Bergen (option B). Oslo (option A) and Trondheim (option C) are drier.", "B", nil},
		{"Preference: I like stories.\n\nResponse: Bergen lies on the coast. It is often wet.", "", nil},
		{"Summary: the question is about rain. The options are Oslo, Bergen, Trondheim and Stavanger.\n\nAnswer: The wettest of them is Bergen, by far. Oslo is dry.", "B", nil},
		{"Response: The answer is A.\n\nResponse: The answer is B.", "", nil},
		{"Answer: C\n\nIt lies in the north. The correct answer is B.", "", nil},
	}},
	{"others set aside", []kindCase{
		{"Rain falls there most of the year (B). The other options (A, C and D) are drier.", "B", nil},
		{"Unlike option C, which lies inland, option B lies on the coast.", "B", nil},
	}},
	{"a bracket that says which", []kindCase{
		{"The best choice for a wet day would be the old harbour town (B). A church stands in Oslo (A).", "B", nil},
		{"The best answer would be either the wet one (B) or the windy one (D).", "", nil},
		{"The correct answer is B. It is important to note that the oil (D) came later.", "B", nil},
		{"This is the correct answer, C.", "C", nil},
	}},
	{"what the question says", []kindCase{
		{"The answer to the question \"Which town can never be dry?\" is option B.", "B", nil},
		{"The best answer to \"Which of the following are wet?\" would be C. Trondheim.", "C", nil},
		{"The best place to find a house that can be reached by boat would be Bergen (B).", "B", nil},
		{"The best-known town without the letter 'C' lies on the coast.", "", []string{"A town without the letter 'O'", "A town with the letter 'C'", "No town"}},
	}},
	{"what is said of what was just named", []kindCase{
		{"The correct answer is A. However, this is incorrect. So, the correct answer is B.", "B", nil},
		{"A. Oslo\nIt is dry.\nB. Bergen\nIt is wet.\n\nThe rain falls around C. Trondheim. This is the best answer.", "C", nil},
		{"Bergen (B) lies on the coast, making it the best answer. Oslo (A) is dry.", "B", nil},
		{"Option B lies on the coast, so it is the correct answer. Option A is dry.", "B", nil},
		{"Let us see:\n\nC. Trondheim.\nThis one, though it lies far north, is the most accurate.", "C", nil},
	}},
	{"words that only look like a report or an if", []kindCase{
		{"That being said, the most accurate answer is option B. Some pick A.", "B", nil},
		{"Option B is the most accurate answer, as nobody can determine if it rains. Oslo (A) is dry.", "B", nil},
		{"The best answer would be:\n\nB. Bergen - For example, if you were at the quay, you would get wet.", "B", nil},
		{"While nobody believes that it rains in Oslo, option B is the best answer.", "B", nil},
		{"If considering rain, option B is more accurate. If considering oil, option D is more accurate.", "", nil},
	}},
	{"praise in other words", []kindCase{
		{"Option B, \"Bergen\", is the most comprehensive and accurate answer. Option A is dry.", "B", nil},
		{"Option B is the most culturally sensitive answer. Option A is dry.", "B", nil},
		{"If we must choose, the least incorrect answer is option B, though A has merits.", "B", nil},
		{"The most direct result is option B: rain. Options A and C are drier.", "B", nil},
		{"So, the town is most similar to Bergen, as both are wet.", "B", nil},
	}},
	{"a correct answer, not the answer", []kindCase{
		{"The correct answer is F. It is wet. Others are dry, so option B is a more general answer.", "F", nine},
		{"The answer is (A) Oslo and (B) Bergen. That is why (B) Bergen is an appropriate answer.", "", nil},
		{"The answer is B. Oslo would do, making A a more complete answer.", "B", nil},
		{"The answer could also be:\nB. Bergen", "B", nil},
	}},
	{"several, in other words", []kindCase{
		{"The most likely town is a Bergen or a Stavanger.", "", nil},
		{"So, the towns that may be wet are B. Bergen and D. Stavanger.", "", nil},
		{"The correct order is 1,3,2,4.", "", []string{"2,3", "1,3", "3,4"}},
		{"A mix of options A, B, C, D would be the best answer.", "", nil},
		{"In a port, such as Bergen (option B), it rains. In Oslo (option A) it snows.", "", nil},
	}},
	{"a later answer", []kindCase{
		{"The correct answer is D. However, a more suitable answer is A. So, the correct answer is A.", "A", nil},
		{"The best ones are:\nB. Bergen\nC. Trondheim\n\nHowever, if I must choose one, I would say:\n\nC. Trondheim", "C", nil},
		{"So B. Bergen. is a common misconception. The answer is D.", "D", nil},
		{"Most people believe that it is A. They are mistaken: Bergen is the wettest.", "B", nil},
		{"It is probably B, but it could be C.", "B", nil},
		{"Therefore, option B seems to be the best answer. Oslo lies on a fjord, as does the", "B", nil},
		{"Option B seems to be the best answer. Oslo lies on a fjord, as does the", "", nil},
	}},
	{"thoughts in more templates", []kindCase{
		{"<seed:think>It is A.</seed:think>The answer is B.", "B", nil},
		{"<|begin_of_thought|>The answer is A.<|end_of_thought|><|begin_of_solution|>The answer is B.<|end_of_solution|>", "B", nil},
		{"<|channel|>analysis<|message|>The answer is A.<|end|><|start|>assistant<|channel|>final<|message|>The answer is B.", "B", nil},
		{"<think>The answer is A.\n\nThe answer is B", "", nil},
		{"<THINK>The answer is A.</THINK>\n\nB", "B", nil},
		{"<scratchpad>A? B? The answer is A.</scratchpad><answer>C</answer>", "C", nil},
		{"[THINK]The answer is A.", "", nil},
	}},
	{"plain statements", []kindCase{
		{"The answer is probably C.", "C", nil},
		{"Definitely A.", "A", nil},
		{"Surely it's D.", "D", nil},
		{"It has to be B.", "B", nil},
		{"My answer would be C", "C", nil},
		{"C is the one.", "C", nil},
		{"Option 3: Trondheim", "C", nil},
		{"The answer is option 2, Bergen.", "B", nil},
		{"3. Trondheim", "C", nil},
		{"{\"answer\": \"D\", \"explanation\": \"not A\"}", "D", nil},
		{"Final answer: $\\boxed{C}$", "C", nil},
		{"\\boxed{\\text{B) Bergen}}", "B", nil},
		{"The answer is $\\frac{3}{4}$.", "B", []string{"1/2", "3/4", "1/4"}},
		{"The answer is 25000.", "B", []string{"2,500", "25,000", "250"}},
		{"The answer is 25,000.", "B", []string{"2500", "25000", "250"}},
		{"~~B~~ C", "C", nil},
		{"In the story the old man cries \"It is A!\" and everybody laughs. The answer is C.", "C", nil},
		{"Imagine a pupil who answers A. She would be wrong, for the correct answer is B.", "B", nil},
	}},
}

type kindCase struct {
	response, want string
	options        []string
}

func TestKinds(t *testing.T) {
	for _, k := range kinds {
		t.Run(k.kind, func(t *testing.T) {
			for _, c := range k.cases {
				options := c.options
				if options == nil {
					options = towns
				}
				a, ok := Rules(c.response, options)
				got := a.Rule // Conflict, or nothing
				if ok {
					got = string(rune('A' + a.Option))
				}
				if got != c.want {
					t.Errorf("Rules(%q, %q) = %q by %q, want %q", c.response, options, got, a.Rule, c.want)
				}
			}
		})
	}
}
