package main

import (
	"bufio"
	"io"
	"net"
	"net/http"
	"net/url"
	"os"
	"os/exec"
	"strings"
	"syscall"
	"testing"
	"time"

	"perg/harness/explore/exploretest"
	"perg/harness/rundir"
)

// A viewing is a 'perg view' that runs.
type viewing struct {
	tb     testing.TB
	cmd    *exec.Cmd
	stdout *bufio.Reader
	said   string // its first lines
	url    string // without the last slash
}

// startView starts perg view as a shell does, and reads what it says.
func startView(tb testing.TB, args ...string) *viewing {
	tb.Helper()
	v := &viewing{tb: tb, cmd: exec.Command("perg", append([]string{"view"}, args...)...)}
	v.cmd.Stderr = os.Stderr
	out, err := v.cmd.StdoutPipe()
	if err == nil {
		err = v.cmd.Start()
	}
	if err != nil {
		tb.Fatal(err)
	}
	tb.Cleanup(func() { v.cmd.Process.Kill() })
	v.stdout = bufio.NewReader(out)
	for !strings.HasSuffix(v.said, "Ctrl-C ends it\n") {
		line, err := v.stdout.ReadString('\n')
		if err != nil {
			tb.Fatalf("perg view said %q: %v", v.said, err)
		}
		v.said += line
		if strings.HasPrefix(line, "http://") {
			v.url = strings.TrimSuffix(strings.TrimSpace(line), "/")
		}
	}
	return v
}

// interrupt ends it as Ctrl-C does, and gives its exit status.
func (v *viewing) interrupt() int {
	v.tb.Helper()
	if err := v.cmd.Process.Signal(os.Interrupt); err != nil {
		v.tb.Fatal(err)
	}
	rest, _ := io.ReadAll(v.stdout)
	v.cmd.Wait()
	if len(rest) > 0 {
		v.tb.Errorf("at its end it says %q", rest)
	}
	return v.cmd.ProcessState.ExitCode()
}

func (v *viewing) get(path string) string {
	v.tb.Helper()
	reply, err := http.Get(v.url + path)
	if err != nil {
		v.tb.Fatal(err)
	}
	defer reply.Body.Close()
	body, err := io.ReadAll(reply.Body)
	if err != nil || reply.StatusCode != http.StatusOK {
		v.tb.Fatalf("%s: status %d, %v", path, reply.StatusCode, err)
	}
	return string(body)
}

// rate sends a page's form.
func (v *viewing) rate(form url.Values) {
	v.tb.Helper()
	r, err := http.NewRequest(http.MethodPost, v.url+"/rate", strings.NewReader(form.Encode()))
	if err != nil {
		v.tb.Fatal(err)
	}
	r.Header.Set("Content-Type", "application/x-www-form-urlencoded")
	r.Header.Set("Origin", v.url)
	reply, err := http.DefaultClient.Do(r)
	if err != nil {
		v.tb.Fatal(err)
	}
	reply.Body.Close()
	if reply.StatusCode != http.StatusOK {
		v.tb.Fatalf("%v: status %d", form, reply.StatusCode)
	}
}

// What is rated in the page is what agreement is worked out of.
func TestViewRateAgree(t *testing.T) {
	t.Chdir(t.TempDir())
	exploretest.Small(t, "r")
	writeRun(t, "r", rundir.Manifest{State: rundir.StateInterrupted, Judges: []rundir.ModelInfo{{Name: "judge"}}, Models: make([]rundir.ModelInfo, 2)})
	v := startView(t, "r")
	if want := "r: 120 answers\n" + v.url + "/\nratings are kept in r/ratings.csv; Ctrl-C ends it\n"; v.said != want {
		t.Errorf("says %q, want %q", v.said, want)
	}
	if page := v.get("/"); !strings.Contains(page, "2 variants · 0 questions · judge judge · the run is interrupted") {
		t.Errorf("the page does not say what it shows:\n%.2000s", page)
	}
	for item, rating := range map[string]string{"item-00": "4", "item-01": "2", "item-06": "5", "item-05": "3"} {
		v.rate(url.Values{"item": {item}, "of": {"swayed:8b"}, "by": {"zero-shot"}, "under": {"relevant"}, "rating": {rating}, "note": {"=well"}})
	}
	v.rate(url.Values{"item": {"item-00"}, "of": {"swayed:8b"}, "by": {"zero-shot"}, "under": {"none"}, "thumb": {"up"}})
	if status := v.interrupt(); status != exitDone {
		t.Errorf("Ctrl-C: exit status %d", status)
	}
	status, stdout, stderr := perg(t, "judge agree r r/ratings.csv")
	if status != exitDone || !strings.Contains(stdout, "person: 4 rated\n1 rows of the file have no rating\n") ||
		!strings.Contains(stdout, "judge, person; weighted to the 4 that they stand for\n        3     75.0    100.0  ") {
		t.Errorf("status %d: %s%s", status, stdout, stderr)
	}

	// It goes on with a file that is there, and stands aside where the port is taken.
	first := startView(t, "--ratings", "r/ratings.csv", "r")
	second := startView(t, "r")
	if first.url == second.url {
		t.Error("two at one address")
	}
	if !strings.Contains(second.said, "ratings are kept in r/ratings.csv (4 so far); Ctrl-C ends it\n") {
		t.Errorf("says %q", second.said)
	}
	if err := second.cmd.Process.Signal(syscall.SIGTERM); err != nil {
		t.Fatal(err)
	}
	if second.cmd.Wait(); second.cmd.ProcessState.ExitCode() != exitDone {
		t.Errorf("SIGTERM: %v", second.cmd.ProcessState)
	}
	// A browser that keeps its connection does not hold it up.
	conn, err := net.Dial("tcp", strings.TrimPrefix(first.url, "http://"))
	if err != nil {
		t.Fatal(err)
	}
	defer conn.Close()
	io.WriteString(conn, "GET / HTTP/1.1\r\nHost: "+strings.TrimPrefix(first.url, "http://")+"\r\n")
	at := time.Now()
	if status := first.interrupt(); status != exitDone || time.Since(at) > 5*time.Second {
		t.Errorf("Ctrl-C with a request half sent: exit status %d after %v", status, time.Since(at))
	}
}

func TestViewMistakes(t *testing.T) {
	t.Chdir(t.TempDir())
	exploretest.Small(t, "r")
	writeRun(t, "r", rundir.Manifest{State: rundir.StateFinished})
	writeRun(t, "unfinished", rundir.Manifest{State: rundir.StateInterrupted})
	for name, text := range map[string]string{
		"notes.txt": "my notes\n",
		"many.csv":  "item_id,variant,method,setting,repeat,rating,rater\n",
	} {
		if err := os.WriteFile(name, []byte(text), 0o644); err != nil {
			t.Fatal(err)
		}
	}
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	defer l.Close()
	_, taken, _ := net.SplitHostPort(l.Addr().String())
	for _, tt := range []struct {
		line   string
		status int
		want   string
	}{
		{"view unfinished", 1, "perg: error: unfinished has no tables yet: the run is interrupted\nperg: hint: they are written when it stops; to finish it: perg run --out unfinished\n"},
		{"view r --port " + taken, 2, "perg: error: port " + taken + " is in use\nperg: hint: choose another with --port, or leave it out for a free one\n"},
		{"view r --ratings notes.txt", 2, "perg: error: ratings: notes.txt: line 1: the header lacks item_id, variant, method, setting, repeat, rating; it needs item_id, variant, method, setting, repeat, rating\nperg: hint: put it right, or keep ratings in another file with --ratings\n"},
		{"view r --ratings many.csv", 2, "perg: error: ratings: many.csv: it has the column rater, of several people's ratings: whose are to be changed?\nperg: hint: put it right, or keep ratings in another file with --ratings\n"},
		{"view r --ratings r", 2, "perg: error: ratings: read r: is a directory\n"},
	} {
		status, stdout, stderr := perg(t, tt.line)
		if status != tt.status || stdout != "" || !strings.HasPrefix(stderr, tt.want) {
			t.Errorf("perg %s: status %d, want %d, stdout %q, stderr %q, want %q", tt.line, status, tt.status, stdout, stderr, tt.want)
		}
	}
}
