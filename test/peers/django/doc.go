// Package django has tests of the oauth2 provider against Django OAuth Toolkit, the library under CMS Blue Button 2.0.
// server.py makes it look like that source, and the provider connects it by the entry of its catalogue.
package django
