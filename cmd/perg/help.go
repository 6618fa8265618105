package main

import (
	"fmt"
	"io"
	"reflect"
	"regexp"
	"slices"
	"strings"
	"unicode/utf8"

	"github.com/urfave/cli/v2"
)

// Widths of help, in columns: text that is wider is hard to read.
const (
	leastHelp, mostHelp = 40, 100
	usualHelp           = 80 // where it goes into no terminal
)

// printHelp is what urfave/cli shows help with: it has the texts, the order and
// the categories, but wraps lines that were wrapped before.
func printHelp(w io.Writer, _ string, values any) {
	columns := width(w)
	if columns == 0 {
		columns = usualHelp
	}
	io.WriteString(w, helpOf(values, columns))
}

// helpOf is the help of an app or a command, in so many columns.
func helpOf(values any, columns int) string {
	h := helpPage{columns: min(max(columns, leastHelp), mostHelp)}
	switch v := values.(type) {
	case *cli.App:
		h.page(v.Name, v.Usage, v.Name+" COMMAND", v.Description, v.VisibleCommands(), v.VisibleFlags())
	case *cli.Command:
		usage := v.HelpName
		commands := visible(v.Subcommands)
		if len(commands) > 0 {
			usage += " COMMAND"
			if v.ArgsUsage != "" {
				usage = v.HelpName + " " + v.ArgsUsage + ", or " + usage
			}
		} else {
			usage += " [OPTIONS] " + v.ArgsUsage
		}
		h.page(v.HelpName, v.Usage, strings.TrimSpace(usage), v.Description, commands, v.VisibleFlags())
	}
	return h.String()
}

func visible(commands []*cli.Command) []*cli.Command {
	return slices.DeleteFunc(slices.Clone(commands), func(c *cli.Command) bool { return c.Hidden || c.Name == "help" })
}

// The library has one printer of help for the whole program.
func init() { cli.HelpPrinter = printHelp }

// listed are some commands under a heading.
func listed(heading string, commands ...*cli.Command) []*cli.Command {
	for _, c := range commands {
		c.Category = heading
	}
	return commands
}

// grouped are some flags under a heading.
func grouped(heading string, flags ...cli.Flag) []cli.Flag {
	for _, f := range flags {
		// Every kind of flag has the field, and the library no interface to it.
		reflect.ValueOf(f).Elem().FieldByName("Category").SetString(heading)
	}
	return flags
}

// A helpPage is help as it is written.
type helpPage struct {
	strings.Builder
	columns int
}

// A helpRow is a name and what it means; either may be empty.
type helpRow struct{ name, text string }

func (h *helpPage) page(name, what, usage, description string, commands []*cli.Command, flags []cli.Flag) {
	h.text(name+" - "+what, 0)
	h.WriteString("\n")
	h.text("usage: "+usage, 0)
	if description != "" {
		h.WriteString("\n")
		h.description(description)
	}
	var sections sections
	for _, c := range commands {
		sections.add(c.Category, "commands", helpRow{strings.Join(c.Names(), ", "), c.Usage})
	}
	for _, f := range flags {
		category := ""
		if c, ok := f.(cli.CategorizableFlag); ok {
			category = c.GetCategory()
		}
		sections.add(category, "options", flagRow(f))
	}
	for _, s := range sections {
		h.WriteString("\n" + strings.ToUpper(s.heading) + "\n")
		h.rows(s.rows, 2)
	}
}

type section struct {
	heading string
	rows    []helpRow
}

// sections are in the order in which their first row came.
type sections []*section

// add puts a row under its heading, or under what it is.
func (all *sections) add(heading, otherwise string, r helpRow) {
	if heading == "" {
		heading = otherwise
	}
	i := slices.IndexFunc(*all, func(s *section) bool { return s.heading == heading })
	if i < 0 {
		i = len(*all)
		*all = append(*all, &section{heading: heading})
	}
	(*all)[i].rows = append((*all)[i].rows, r)
}

// flagRow is a flag as urfave/cli writes it, once where it may be repeated, and
// without the default of a switch.
func flagRow(f cli.Flag) helpRow {
	name, text, _ := strings.Cut(f.String(), "\t")
	name, _, repeated := strings.Cut(name, " [ ")
	if repeated && !strings.HasSuffix(name, " LIST") {
		name += "..."
	}
	return helpRow{name, strings.TrimSpace(strings.TrimSuffix(text, "(default: false)"))}
}

// description writes paragraphs, lists and, where lines are indented, examples
// and rows of a word and its meaning, two spaces apart.
func (h *helpPage) description(text string) {
	for i, block := range strings.Split(text, "\n\n") {
		if i > 0 {
			h.WriteString("\n")
		}
		if !strings.HasPrefix(block, " ") && !strings.HasPrefix(block, "- ") {
			h.text(block, 0)
			continue
		}
		h.rows(rowsOf(block), 2)
	}
}

// continued is the end of a line that goes on in the next.
var continued = regexp.MustCompile(`\\\n +`)

// rowsOf takes a block of indented lines apart. A line that is indented further
// than the first belongs to the row before it.
func rowsOf(block string) (rows []helpRow) {
	lines := strings.Split(continued.ReplaceAllString(block, ""), "\n")
	indent := len(lines[0]) - len(strings.TrimLeft(lines[0], " "))
	for _, line := range lines {
		text := strings.TrimSpace(line)
		if deeper := len(line)-len(strings.TrimLeft(line, " ")) > indent; deeper && len(rows) > 0 {
			rows[len(rows)-1].text = strings.TrimSpace(rows[len(rows)-1].text + " " + text)
			continue
		}
		if item, ok := strings.CutPrefix(text, "- "); ok {
			rows = append(rows, helpRow{"-", item})
			continue
		}
		name, meaning, _ := strings.Cut(text, "  ")
		rows = append(rows, helpRow{strings.Join(strings.Fields(name), " "), strings.TrimSpace(meaning)})
	}
	return rows
}

// rows writes rows with their texts below each other. Where that leaves little
// room, a text stands below its name.
func (h *helpPage) rows(rows []helpRow, indent int) {
	column := 0
	for _, r := range rows {
		if n := utf8.RuneCountInString(r.name); r.text != "" && n <= h.columns*2/5 {
			column = max(column, n)
		}
	}
	column += indent + 2
	for _, r := range rows {
		name := strings.Repeat(" ", indent) + r.name
		switch n := utf8.RuneCountInString(name); {
		case r.text == "":
			h.command(r.name, indent)
		case n+2 > column || h.columns-column < 24 && r.name != "-":
			h.command(r.name, indent)
			h.text(r.text, indent+4)
		default:
			for i, line := range wrapped(r.text, h.columns-column) {
				if i > 0 {
					name = ""
				}
				fmt.Fprintf(h, "%-*s%s\n", column, name, line)
			}
		}
	}
}

// text writes a paragraph.
func (h *helpPage) text(text string, indent int) {
	for _, line := range wrapped(text, h.columns-indent) {
		h.WriteString(strings.Repeat(" ", indent) + line + "\n")
	}
}

// command writes a line for a shell, which goes on after a backslash where it is
// too long.
func (h *helpPage) command(text string, indent int) {
	lines := wrapped(text, h.columns-indent-4)
	if utf8.RuneCountInString(text) <= h.columns-indent {
		lines = []string{text}
	}
	for i, line := range lines {
		if i > 0 {
			line = "  " + line
		}
		if i+1 < len(lines) {
			line += " \\"
		}
		h.WriteString(strings.Repeat(" ", indent) + line + "\n")
	}
}

// wrapped is a text in lines of at most so many columns, of whole words.
func wrapped(text string, columns int) (lines []string) {
	line, n := "", 0
	for _, word := range strings.Fields(text) {
		length := utf8.RuneCountInString(word)
		if n > 0 && n+1+length > columns {
			lines = append(lines, line)
			line, n = "", 0
		}
		if n > 0 {
			line, n = line+" ", n+1
		}
		line, n = line+word, n+length
	}
	return append(lines, line)
}
