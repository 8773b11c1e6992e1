// Package inspect reads SOAP messages: bytes to values.
//
// Start with [Parse], which reads one envelope into a [Message], with
// [ParseBody], which finds it in an HTTP body as the header says, or with
// [Read], which reads a whole HTTP exchange and never fails: what cannot be
// read is an error inside its [Reading]. [Message.AppendCanonical] gives the
// bytes that two messages share when they say the same thing, [Compare] the
// places where they do not, [ShapeOf] the structure with the values taken out,
// and [DecodeCallID] the GUID and server inside a UM call identifier.
//
// Input is hostile until read: every message is held to limits (size, depth,
// number of tokens and attributes, length of names, no DOCTYPE, one root) before
// a parser builds a tree of it. See [Limits]. Ordinary messages are read in one pass of
// our own, within the same limits, which gives up without a word at anything out
// of the ordinary; etree reads the rest, and nothing else refuses a message. What
// the quick pass accepts, the long way accepts, and gives an equal tree: that is
// tested and fuzzed.
//
// What many exchanges say together is read from values made of each, so that no
// message is kept: [CallsOf] puts the [Step] that each one is together to the lives of
// phone calls, [Shapes] gathers the structures of messages, [DiffShapes] compares two,
// and a [Contract] holds messages to them.
//
// What is particular to one service, such as the UM web service, is a
// [Profile] and lives in a package of its own (inspect/um). Nothing here sends,
// stores or prints anything.
package inspect
