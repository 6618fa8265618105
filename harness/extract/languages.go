package extract

import (
	"slices"
	"strings"
	"unicode/utf8"
)

// foreign is the vocabulary of plain statements in other languages than
// English: German, French, Spanish, Portuguese, Italian, Dutch, Russian,
// Arabic, Chinese, Japanese and Korean. Of Polish, Turkish, Vietnamese,
// Indonesian and Hindi there is the word for "answer". A word that English has
// too in another sense is left out, unless it is harmless there.
var foreign = []struct {
	class class
	words string
}{
	{noun | namer | filler, "antwort réponse respuesta resposta risposta antwoord ответ"},
	{noun | filler, "lösung الإجابة الجواب " +
		"答案 答え 解答 正解 正答 回答 答 정답 답 odpowiedź cevap án jawaban उत्तर"},
	{noun | namer | filler, "opción opção opzione alternativa optie вариант الخيار 选项 選択肢 選項 선택지"},
	{noun | right | filler, "正确答案 正確答案"},
	{namer | filler, "optionen opciones opções opzioni letra lettre lettera buchstabe letter буква"},
	{link | singular | follow, "ist lautet wäre est serait es sería é seria è sarebbe это является هي هو 是 为 為 は が 은 는 이 가"},
	{link | plural | follow, "sind sont son são sono zijn"},
	{right | filler, "richtig richtige richtigen korrekt korrekte beste correcte bonne bon correcta correcto mejor correta correto melhor certa certo " +
		"corretta corretto giusta migliore juiste beste правильный верный правильная верная الصحيحة الصحيح " +
		"正确 正確 正确的 正しい 맞습니다 맞다 옳다 올바른 ✓"},
	{right | pick | filler, "правильно верно"},
	{wrong | filler, "falsch falsche incorrecte fausse faux incorrecta incorrecto falsa incorreta incorreto errada sbagliata onjuist " +
		"неверно неправильно неверный неправильный خاطئة خطأ 错误 錯誤 错 不正确 不正確 不对 不對 間違い 誤り 틀렸습니다 틀리다 오답 ✗"},
	{denial, "nicht kein keine pas não non niet не нет ليست ليس 不是 不 没有 ではない ではありません じゃない 아니다 아닙니다 아니라 不会 不能"},
	{pick, "wähle nehme choisis elijo escolho scelgo kies выбираю выбираем أختار 选 選 选择 選擇 应选 故选 选ぶ 選ぶ 選びます 고르면 선택"},
	{finish, "daher deshalb somit folglich donc ainsi finalement tanto finalmente quindi dunque dus поэтому итак следовательно لذلك إذن " +
		"因此 所以 故 综上 最终 したがって よって 따라서 그러므로"},
	{joint | follow, "und oder et ou и или و 和 或 と 및"},
	{doubt, "vielleicht peut-être quizás talvez forse misschien возможно ربما 可能 かもしれない 아마"},
	{filler, "die der das den eine la le les el los il lo de het 项 項 です 입니다 だ 的 我 我们 觉得 认为 要 应该 應該 应 該 我觉得 我认为 ich glaube denke je pense que creo acho penso"},
}

// easternWords are the words of the vocabulary that are written without spaces
// between them, by their first letter, long ones first.
var easternWords = func() map[rune][]string {
	m := map[rune][]string{}
	for word := range classes {
		if first, _ := utf8.DecodeRuneInString(word); isEastern(first) {
			m[first] = append(m[first], word)
		}
	}
	for _, words := range m {
		slices.SortFunc(words, func(a, b string) int { return len(b) - len(a) })
	}
	return m
}()

// isEastern: c is of a script that is read by known words, not by spaces: Han,
// Kana, Hangul. A Latin letter that touches one is a word of its own.
func isEastern(c rune) bool {
	return c >= '぀' && c <= 'ヿ' || c >= '㐀' && c <= '鿿' || c >= '가' && c <= '힣' || c >= '豈' && c <= '﫿'
}

// eastern reads the run of such letters that begins at byte i: words of the
// vocabulary, and what stands between them.
func (r *reader) eastern(i int) int {
	from := i
	for i < len(r.s) {
		c, size := r.rune(i)
		if !isEastern(c) {
			break
		}
		word := ""
		for _, known := range easternWords[c] {
			if strings.HasPrefix(r.s[i:], known) {
				word = known
				break
			}
		}
		if word == "" {
			i += size
			continue
		}
		if from < i {
			r.add(r.s[from:i])
		}
		r.add(word)
		i += len(word)
		from = i
	}
	if from < i {
		r.add(r.s[from:i])
	}
	r.inner = false
	return i
}

// lookalikes are letters of other alphabets that stand for a Latin one: of the
// same look or, where none looks so, of the same place in its alphabet.
var lookalikes = map[rune]rune{
	'А': 'A', 'В': 'B', 'С': 'C', 'Е': 'E', 'Н': 'H', 'І': 'I', 'Ј': 'J', 'Б': 'B', 'Г': 'D', 'Д': 'E',
	'Α': 'A', 'Β': 'B', 'Γ': 'C', 'Δ': 'D', 'Ε': 'E', 'Η': 'H', 'Ι': 'I',
	'أ': 'A', 'ا': 'A', 'ب': 'B', 'ج': 'C', 'د': 'D', 'ه': 'E',
}
