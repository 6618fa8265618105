package main

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"io/fs"
	"net"
	"net/http"
	"net/url"
	"path/filepath"
	"strconv"
	"strings"
	"sync"
	"syscall"
	"time"

	"github.com/urfave/cli/v2"

	"perg/harness/explore/web"
	"perg/harness/hint"
	"perg/harness/printable"
	"perg/harness/rundir"
)

// viewPort is where perg view is found unless it is taken: PERG on a telephone.
// A port that stays the same keeps addresses good.
const viewPort = 7374

// viewerAt is where that is.
var viewerAt = fmt.Sprintf("http://127.0.0.1:%d", viewPort)

func viewCommand() *cli.Command {
	return &cli.Command{
		Name:      "view",
		Usage:     "browse questions, answers and verdicts in a web page",
		ArgsUsage: "RUN [RUN]",
		Description: `Serves pages over a run's tables to a browser on this machine: a list of
answers to filter (outcome, setting, kind of preference, variant, method,
what read the letter, your ratings, source, category), to sort and to search,
and for each answer both responses side by side with their differences
marked, how its letter was read, what the judge said, and the same question
in other variants. ? shows what the words mean, and the keys.

   perg view runs/20260102-150405

Beside puts each answer next to that of another variant, method or setting,
and filters by which of the two is right, which breaks, and whether their
letters differ. With two runs, beside each answer of one is that of the other:

   perg view runs/20260102-150405 runs/20260203-150405

A search finds all of its words, "words in a row", or the beginnings of
words: brid*. The words of a finished run of more than 20,000 answers are
indexed in RUN/search.sqlite, which may be deleted. What is listed can be
saved as CSV or JSON lines.

An answer can be rated from 1 to 5, thumbed and noted. That is kept in
RUN/ratings.csv, or the file that --ratings names, in the form of 'perg judge
sample': an existing file is continued. What a judge said is hidden until you
have rated the answer; --blind=false shows it.

   perg judge agree runs/20260102-150405 runs/20260102-150405/ratings.csv

Report, above, is the page of 'perg report --html', in which each figure leads to
the answers that it counts. In a page that is a file a click shows the command to
see them, of this form:

   perg view runs/20260102-150405 --at '/?outcome=broken&setting=mixed'

A run at work, or one whose process died, is shown as far as it came, and the
list is renewed as it goes on. Nothing else is written. The pages are only
reachable from this machine. The URL contains all that is shown. Ctrl-C ends it.`,
		Flags: []cli.Flag{
			&cli.StringFlag{Name: "ratings", Usage: "the CSV `FILE` that ratings are kept in (default: RUN/ratings.csv)"},
			&cli.BoolFlag{Name: "blind", Usage: "hide what judges said of an answer until you have rated it (default: where a judge rated)"},
			&cli.StringFlag{Name: "at", Usage: "say the URL of the list at an `ADDRESS`, as pages of 'perg report --html' name it"},
			&cli.IntFlag{Name: "port", Value: viewPort, Usage: "`PORT` to serve at; unless you name one, a free one where it is taken"},
			&cli.StringFlag{Name: "address", Value: "127.0.0.1", Usage: "loopback `ADDRESS` to serve at"},
		},
		Action: viewAction,
	}
}

func viewAction(c *cli.Context) error {
	port := c.Int("port")
	switch {
	case c.NArg() < 1 || c.NArg() > 2:
		return hint.Usage(fmt.Errorf("view takes one run directory or two, not %d", c.NArg()), "perg view runs/<time>")
	case c.NArg() > 1 && c.IsSet("ratings"):
		return hint.Usage(errors.New("--ratings names one file, and there are two runs"), "leave it out: ratings of each are kept beside it")
	case c.IsSet("at") && !isAddress(c.String("at")):
		return hint.Usage(fmt.Errorf("--at %s is no address of a page of perg view", c.String("at")), "it begins with / and goes as far as the URL does: --at '/?outcome=broken'")
	case port < 1 || port > 65535:
		return hint.Usage(fmt.Errorf("--port %d: a number from 1 to 65535", port), "")
	}
	blind := web.BlindWhereJudged
	if c.IsSet("blind") {
		blind = map[bool]web.Blind{true: web.BlindAlways, false: web.BlindNever}[c.Bool("blind")]
	}
	listener, err := listenLoopback(c.String("address"), port, !c.IsSet("port"))
	if err != nil {
		return err
	}
	defer listener.Close()
	v := &viewer{serve: func(shown []web.Shown) http.Handler {
		return web.Handler(shown, blind, listener.Addr().(*net.TCPAddr))
	}}
	for _, name := range c.Args().Slice() {
		one, err := openNamed(c.Context, name, c.String("ratings"))
		if err != nil {
			return errors.Join(err, v.close())
		}
		v.runs = append(v.runs, one)
	}
	v.show()
	w := c.App.Writer
	for _, one := range v.runs {
		fmt.Fprintf(w, "%s: %s answers\n", printable.Text(one.name), comma(one.run.Generations()))
	}
	fmt.Fprintln(w, "http://"+listener.Addr().String()+cmp.Or(c.String("at"), "/"))
	for i, one := range v.runs {
		fmt.Fprintf(w, "ratings are kept in %s", printable.Text(one.ratings.Path))
		if sheet, err := one.ratings.Open(); err == nil && sheet.Rated() > 0 {
			fmt.Fprintf(w, " (%s so far)", comma(sheet.Rated()))
		}
		if i == len(v.runs)-1 {
			fmt.Fprint(w, "; Ctrl-C ends it")
		}
		fmt.Fprintln(w)
	}
	var following sync.WaitGroup
	ctx, cancel := context.WithCancel(c.Context)
	for _, one := range v.runs {
		following.Go(func() { v.follow(ctx, one) })
	}
	err = serve(c.Context, listener, v)
	cancel()
	following.Wait()
	return errors.Join(err, v.close())
}

// isAddress says whether a text is the part of a page's URL that --at takes.
func isAddress(text string) bool {
	u, err := url.Parse(text)
	return err == nil && strings.HasPrefix(text, "/") && u.Host == "" && u.String() == text
}

// openNamed opens a run by its name, and the file of its ratings.
func openNamed(ctx context.Context, name, file string) (*viewed, error) {
	dir, m, err := readRun(name)
	if err != nil {
		return nil, err
	}
	kept := &web.Ratings{Path: file}
	if file == "" {
		kept.Path = filepath.Join(dir, "ratings.csv")
	}
	if _, err := kept.Open(); err != nil {
		return nil, hint.Usage(fmt.Errorf("ratings: %w", err), "put it right, or keep ratings in another file with --ratings")
	}
	return openViewed(ctx, dir, m, kept)
}

// listenLoopback listens at an address of this machine that no other reaches, at
// the port or, where that is taken and another will do, at any.
func listenLoopback(host string, port int, otherwise bool) (net.Listener, error) {
	ip := net.ParseIP(host)
	if host == "localhost" {
		ip = net.IPv4(127, 0, 0, 1)
	}
	if ip == nil || !ip.IsLoopback() {
		return nil, hint.Usage(fmt.Errorf("--address %s: other machines could read the run and change its ratings there", host),
			"it has to be a loopback address, as 127.0.0.1 is; to look from elsewhere: ssh -L 7374:127.0.0.1:7374 MACHINE")
	}
	at := func(port int) (net.Listener, error) {
		return net.Listen("tcp", net.JoinHostPort(ip.String(), strconv.Itoa(port)))
	}
	l, err := at(port)
	taken := errors.Is(err, syscall.EADDRINUSE)
	switch {
	case taken && otherwise:
		return at(0)
	case taken:
		return nil, hint.Usage(fmt.Errorf("port %d is in use", port), "choose another with --port, or leave it out for a free one")
	case errors.Is(err, fs.ErrPermission):
		return nil, hint.Usage(err, "choose a port from 1024 with --port")
	}
	return l, err
}

// serve answers until the context is done, which is the usual end.
func serve(ctx context.Context, l net.Listener, h http.Handler) error {
	server := &http.Server{Handler: h, ReadHeaderTimeout: 10 * time.Second}
	stopped := make(chan error, 1)
	stop := context.AfterFunc(ctx, func() {
		ctx, cancel := context.WithTimeout(context.WithoutCancel(ctx), 3*time.Second)
		defer cancel()
		err := server.Shutdown(ctx)
		if errors.Is(err, context.DeadlineExceeded) {
			err = server.Close()
		}
		stopped <- err
	})
	if err := server.Serve(l); !errors.Is(err, http.ErrServerClosed) {
		stop()
		return err
	}
	return <-stopped
}

// aboutRun is what the pages say of the run.
func aboutRun(s shownRun) web.About {
	m := s.manifest
	about := web.About{Name: s.dir, ID: m.RunID, Facts: []string{comma(len(m.Models)) + " " + plural(len(m.Models), "variant"), comma(m.Dataset.Items) + " " + plural(m.Dataset.Items, "question")}}
	for i, j := range m.Judges {
		if i == 0 {
			about.Facts = append(about.Facts, "judge "+j.Name)
		} else {
			about.Facts[len(about.Facts)-1] += ", " + j.Name
		}
	}
	if m.Imported != nil {
		about.Facts[1] = comma(m.Imported.Questions) + " " + plural(m.Imported.Questions, "question") // fewer than items, perhaps
		about.Facts = append(about.Facts, m.How())
	}
	if m.State != rundir.StateFinished {
		about.Facts = append(about.Facts, "the run is "+m.State)
	}
	if n := s.standing; n != nil {
		about.Facts = append(about.Facts, soFar(*n))
		about.Standing = fmt.Sprintf("%s %d %d", m.State, n.Answered, m.Counts.Rated)
	}
	return about
}
