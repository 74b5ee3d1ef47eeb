// Package web is the pages: server-rendered, without a script that they need.
// It asks access for a Grant, record for a View, and writes what comes as the
// structs of web/page. It decides nothing, and what is one fact is record's.
//
// Addresses never hold a name, a number or what was searched for: citizens are
// named by their stable id, searches are posted.
package web
