// Package wsdl holds the messages of any SOAP service to its WSDL 1.1 and the XML
// Schemas in it: which operations there are, what goes in and comes out, headers and
// faults, in document/literal and rpc/literal style, over SOAP 1.1 and 1.2.
//
// Of XML Schema 1.0 it knows elements and attributes, global and local, qualified or
// not; sequence, choice, all, groups, wildcards and how often each may occur;
// extension and restriction, xsi:type, xsi:nil, abstract types and elements,
// substitution groups; the built-in types, lists, unions and all facets. It does not
// know identity constraints (key, unique, ID uniqueness), xs:redefine, and block and
// final. What it cannot check it takes for right, and [Load] tells of it.
//
// Files come from one folder; nothing is ever fetched.
package wsdl
