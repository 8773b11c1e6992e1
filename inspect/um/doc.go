// Package um is the profile of Exchange's Unified Messaging web service
// ([MS-OXWUMS]) and of its three successors in Exchange Web Services: which
// operations there are, what their messages hold, and what can be wrong with
// them.
//
// Start with [Operations], the table of operations; adding an operation is
// adding a row. [Profile] is what the other packages take; [Check] and [Rules]
// are what `umtape validate` runs and lists. [Step] is the part that an exchange has in
// the life of a call, and [CheckCalls] lists what is odd with calls over time.
//
// Every rule names its source in PROTOCOL.md, the protocol reference beside this
// file, with the mark that it has there. Documented and captured facts are
// errors, inferred ones at most warnings, and what is unknown is no rule.
package um
