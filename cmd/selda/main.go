// Command selda runs the shared care record and health information exchange
// of South East London, and every verb an operator needs beside it.
package main

func main() {}
