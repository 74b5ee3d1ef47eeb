package search

import "strings"

// The parameter phonetic finds names that sound alike: each word by its first
// letter and the sounds of the consonants after it, as the American Soundex has
// it. https://www.archives.gov/research/census/soundex

// sounds are the groups of consonants that sound alike; 0 parts what is around
// it (vowels), and h and w do not.
var sounds = func() (s [26]byte) {
	for letters, digit := range map[string]byte{"bfpv": '1', "cgjkqsxz": '2', "dt": '3', "l": '4', "mn": '5', "r": '6', "hw": 'h'} {
		for i := range len(letters) {
			s[letters[i]-'a'] = digit
		}
	}
	return s
}()

// sound is how a folded word sounds; one that does not begin with a letter of
// the Latin alphabet sounds like itself.
func sound(word string) string {
	if word == "" || word[0] < 'a' || word[0] > 'z' {
		return word
	}
	out := []byte{word[0] - 'a' + 'A'}
	last := sounds[word[0]-'a']
	for i := 1; i < len(word) && len(out) < 4; i++ {
		if word[i] < 'a' || word[i] > 'z' {
			continue
		}
		switch d := sounds[word[i]-'a']; {
		case d == 'h':
		case d == 0:
			last = 0
		case d != last:
			out = append(out, d)
			last = d
		}
	}
	for len(out) < 4 {
		out = append(out, '0')
	}
	return string(out)
}

// eachSound gives how the words of an element sound.
func eachSound(e element, f func(string) bool) bool {
	return texts(e, func(s string, _ bool) bool {
		for word := range strings.FieldsSeq(folded(s)) {
			if f(sound(word)) {
				return true
			}
		}
		return false
	})
}

// phoneticTest tests whether every word of a value sounds like one of the element.
func phoneticTest(value string) test {
	var wanted []string
	for word := range strings.FieldsSeq(folded(value)) {
		wanted = append(wanted, sound(word))
	}
	return func(e element) bool {
		for _, w := range wanted {
			if !eachSound(e, func(s string) bool { return s == w }) {
				return false
			}
		}
		return len(wanted) > 0
	}
}
