package syntax

// words are what other languages write, with what stands for it here: for a word that
// nothing can begin with, and for one that is read as a name and makes the next token
// a surprise.
var words = map[string]string{
	"const": "let declares what is not assigned again: let x = 1",
	"try":   "there is no try; errors end the program, and functions as toInt give an option",
	"enum":  "there are no enums",
	"and":   "it is written &&", "or": "it is written ||", "not": "it is written !", "is": "it is written ==",
	"then": "a branch is a block: if c { a } else { b }", "elif": "it is written else if", "elsif": "it is written else if", "elseif": "it is written else if",
	"function": "functions are declared as in: func f(x) => x + 1", "def": "functions are declared as in: func f(x) => x + 1",
	"fn": "functions are declared as in: func f(x) => x + 1", "fun": "functions are declared as in: func f(x) => x + 1",
	"while": "a loop with a condition is: for cond { ... }", "until": "a loop with a condition is: for cond { ... }",
	"foreach": "a loop over a list is: for x in xs { ... }",
	"struct":  "types are declared as in: type P { x, y float }", "class": "types are declared as in: type P { x, y float }",
	"switch": `there is match: match n { 1, 2 => "few", _ => "many" }`,
	"print":  "a call needs parentheses: print(x)",
}

// foreign returns a hint for those who write another language, from the token that is
// not expected and the one before it.
func (p *parser) foreign() string {
	t := p.tok()
	switch t.kind {
	case Colon:
		if p.peek(1) == Assign {
			return "names are declared with let or var: let x = 1"
		}
		return "types stand behind names without a colon: x int"
	case Quest:
		return "if is an expression: if c { a } else { b }"
	case Ident, reserved:
		if h := words[p.text(t)]; h != "" {
			return h
		}
	}
	if p.i > 0 && p.toks[p.i-1].kind == Ident && t.kind != Semi && t.kind != EOF {
		return words[p.text(&p.toks[p.i-1])]
	}
	return ""
}
