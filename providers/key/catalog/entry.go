// Package catalog has the sources that are connected with a key as data: one file ID.yaml for each, checked against
// catalog.schema.json, which says what each key means.
package catalog

// Source is a source: what a person is asked for, how it is sent, which call checks it, and what the answers mean.
type Source struct {
	ID            string    `yaml:"id"`
	Name          string    `yaml:"name"`
	Group         string    `yaml:"group"`
	Programme     Programme `yaml:"programme"`
	Confidence    string    `yaml:"confidence"`
	Documentation string    `yaml:"documentation"`
	Tested        string    `yaml:"tested"`
	Notes         []string  `yaml:"notes"`
	// Inputs are what is asked for, in the order of the form.
	Inputs []Input `yaml:"inputs"`
	// Credentials are the kinds of credentials that the source takes. The first one counts of which all inputs are there.
	Credentials []Credential `yaml:"credentials"`
	// Errors of all kinds of credentials, after those of each.
	Errors []Rule `yaml:"errors"`
}

// Programme says who may use the interface, and until when the source exists.
type Programme struct {
	Status string `yaml:"status"`
	Text   string `yaml:"text"`
	Dates  []Date `yaml:"dates"`
}

// StatusRetired is the status of a programme that has ended.
const StatusRetired = "retired"

// Retired says whether the source exists no more.
func (p Programme) Retired() bool { return p.Status == StatusRetired }

// Date is a day on which something changes.
type Date struct {
	Date string `yaml:"date"`
	Text string `yaml:"text"`
}

// Input is one field of the form. A setting of the same id stands before what a person types.
type Input struct {
	ID       string   `yaml:"id"`
	Label    string   `yaml:"label"`
	Help     string   `yaml:"help"`
	Kind     string   `yaml:"kind"`
	Optional bool     `yaml:"optional"`
	Pattern  string   `yaml:"pattern"`
	Choices  []Choice `yaml:"choices"`
}

// The kinds of inputs. Without one an input is a text.
const (
	KindSecret = "secret"
	KindURL    = "url"
	KindText   = "text"
	KindChoice = "choice"
)

// Choice is one value of an input of the kind choice.
type Choice struct {
	Value string `yaml:"value"`
	Label string `yaml:"label"`
}

// Credential is one kind of credential.
type Credential struct {
	// Needs are the ids of its inputs.
	Needs      []string `yaml:"needs"`
	Send       Send     `yaml:"send"`
	Check      Call     `yaml:"check"`
	Account    Account  `yaml:"account"`
	Revocation *Call    `yaml:"revocation"`
	Errors     []Rule   `yaml:"errors"`
}

// Send is how the credential goes with each call. All values are templates.
type Send struct {
	Headers map[string]string `yaml:"headers"`
	Query   map[string]string `yaml:"query"`
	Bearer  string            `yaml:"bearer"`
	Basic   *Basic            `yaml:"basic"`
}

// Basic is HTTP Basic (RFC 7617).
type Basic struct {
	Username string `yaml:"username"`
	Password string `yaml:"password"`
}

// Call is a request. Its values are templates, but for the URL, whose placeholders are whole URLs or parts of one.
type Call struct {
	Method  string            `yaml:"method"`
	URL     string            `yaml:"url"`
	Headers map[string]string `yaml:"headers"`
	Query   map[string]string `yaml:"query"`
	Form    map[string]string `yaml:"form"`
	JSON    map[string]string `yaml:"json"`
	// Done are the statuses of success; those of 2xx without it.
	Done []int `yaml:"done"`
	// Success are conditions on the answer, of which one has to hold.
	Success []map[string]string `yaml:"success"`
}

// Account is where it is said whose account it is.
type Account struct {
	From string `yaml:"from"`
	// ID is the path in the answer, or the id of an input.
	ID string `yaml:"id"`
	// Authority is the id of an input that the account is of: AUTHORITY|ID.
	Authority string `yaml:"authority"`
	// Label are templates of paths in the answer; the first that has something to say counts.
	Label []string `yaml:"label"`
}

// Values of Account.From.
const (
	FromAnswer  = "answer"
	FromInput   = "input"
	FromNothing = "nothing"
)

// Rule says what an answer means. All of its conditions have to hold.
type Rule struct {
	At     []string          `yaml:"at"`
	Status []int             `yaml:"status"`
	Where  map[string]string `yaml:"where"`
	// Unexpected is an answer of success that is not what the source sends: no JSON object, without success or an account.
	Unexpected bool   `yaml:"unexpected"`
	Code       string `yaml:"code"`
	// Field is the input of a code invalid_input.
	Field string `yaml:"field"`
	Text  string `yaml:"text"`
}

// Places where an answer can come, for Rule.At.
const (
	AtConnect = "connect"
	AtCheck   = "check"
	AtRevoke  = "revoke"
)
