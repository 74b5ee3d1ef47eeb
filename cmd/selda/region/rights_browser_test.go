package region

// rights is where a citizen asks for a copy, and says that something is wrong.
func (b *tab) rights() {
	b.at("/me/rights")
	b.says("Your rights", "I want a copy of my record", "It costs nothing")
	b.look("rights")
	b.choose("kind", "access")
	b.says("Your request was sent", "You asked for a copy of your record", "You get an answer by")
	b.look("rights-asked")
	b.at("/me/medicines")
	b.Press("a[href*='/rights/item/']")
	b.says("Tell us about this", "It is wrong")
	b.look("rights-item")
	b.Eval("document.getElementById('kind-correction').checked = true; ''")
	b.Submit([2]string{"words", "I do not take this any more"})
	b.says("I do not take this any more", "You told us that something is wrong")
}

// cases is where a privacy officer works the cases, and looks a copy through.
func (b *tab) cases() {
	b.at("/privacy/cases")
	b.says("Which case should I work on first?", "A copy of the record", "days left", "Write down a request")
	b.look("cases")
	b.Press("a[href^='/privacy/cases/']")
	b.says("ADEYEMI, Folake", "What goes into the copy", "Words to take out", "What was done")
	b.look("case")
	b.Eval("for (const d of document.querySelectorAll('main details')) d.open = d.className !== 's-item'; ''")
	b.look("case-open")
}
