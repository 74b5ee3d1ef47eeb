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
	item := b.Eval("document.querySelector(`[name=review][value*='/']`).value")
	b.disposal(item)
	b.holding()
}

// disposal is where the removal of an item is written down, proposed and looked through.
func (b *tab) disposal(item string) {
	b.at("/privacy/cases")
	b.Eval("for (const [k, v] of Object.entries({number: '9991234519', kind: 'erasure', asker: 'Family court', identity: 'sealed order', order: 'ZE26C00123', item: '" + item + "', words: 'Remove it'})) document.getElementById(k).value = v; ''")
	b.Press("form[action='/privacy/cases'] button")
	b.says("A removal", "Family court", "Propose that it is destroyed")
	b.Eval("for (const d of document.querySelectorAll('main details')) d.open = true; ''")
	b.Press("button[value='propose-removal'], form:has([value='propose-removal']) button")
	b.says("What would be destroyed", "Removal by order of a court", "Approve it")
	b.look("disposal")
	b.Eval("for (const d of document.querySelectorAll('main details')) d.open = true; ''")
	b.look("disposal-open")
}

// holding is where it is said what is held beyond its time, and how long things are kept.
func (b *tab) holding() {
	b.at("/privacy/retention")
	b.says("What is held, and how long things are kept", "Held now", "Health record: 8 years")
	b.Eval("document.querySelector('main details').open = true; ''")
	b.look("retention-form")
	b.Eval("document.getElementById('what-source').checked = true; ''")
	b.Submit([2]string{"source", "RJZ"}, [2]string{"why", "Notice of the inquiry of 3 November"}, [2]string{"until", "2099-03-31"})
	b.says("It is held, from now on", "All that King's College Hospital", "31-Mar-2099")
	b.Eval("document.getElementById('what-person').checked = true; ''")
	b.Submit([2]string{"number", "9991234519"}, [2]string{"why", "A claim is announced"})
	b.says("A claim is announced")
	b.Eval("document.querySelector(`[name=end]`).closest('details').open = true; document.querySelector(`[name=end]`).form.why.value = 'It was settled'; ''")
	b.Press("form:has([name=end]) button")
	b.says("Another person agrees", "It was settled")
	b.look("retention")
}
