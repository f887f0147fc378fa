// Command river posts a body to a URL once for each of so many jobs of River (github.com/riverqueue/river) on SQLite: a peer that
// deliveries are measured beside. It prints how long that took, in nanoseconds, from the start of the workers until the last job
// is stored as completed.
//
//	river DATABASE URL BODY-FILE JOBS WORKERS FETCH-INTERVAL
package main

import (
	"bytes"
	"context"
	"database/sql"
	"errors"
	"fmt"
	"io"
	"log/slog"
	"net/http"
	"os"
	"strconv"
	"sync/atomic"
	"time"

	"github.com/riverqueue/river"
	"github.com/riverqueue/river/riverdriver/riversqlite"
	"github.com/riverqueue/river/rivermigrate"
	_ "modernc.org/sqlite"
)

// limit bounds a run.
const limit = 10 * time.Minute

func main() {
	ctx, cancel := context.WithTimeout(context.Background(), limit)
	took, err := run(ctx, os.Args[1:])
	cancel()
	if err != nil {
		fmt.Fprintln(os.Stderr, "river:", err)
		os.Exit(1)
	}
	fmt.Println(took.Nanoseconds())
}

// postArgs are the arguments of a job: the body, as our rows have it.
type postArgs struct {
	Body string `json:"body"`
}

// Kind implements [river.JobArgs].
func (postArgs) Kind() string { return "post" }

// poster posts the body of each job.
type poster struct {
	river.WorkerDefaults[postArgs]
	url    string
	client *http.Client
	posted atomic.Int64
	jobs   int64
	all    chan struct{}
}

// Work implements [river.Worker].
func (p *poster) Work(ctx context.Context, job *river.Job[postArgs]) error {
	r, err := http.NewRequestWithContext(ctx, http.MethodPost, p.url, bytes.NewReader([]byte(job.Args.Body)))
	if err != nil {
		return err
	}
	answer, err := p.client.Do(r)
	if err != nil {
		return err
	}
	_, err = io.Copy(io.Discard, answer.Body)
	if err = errors.Join(err, answer.Body.Close()); err != nil {
		return err
	}
	if p.posted.Add(1) == p.jobs {
		close(p.all)
	}
	return nil
}

func run(ctx context.Context, args []string) (took time.Duration, err error) {
	const wanted = 6
	if len(args) != wanted {
		return 0, errors.New("usage: river DATABASE URL BODY-FILE JOBS WORKERS FETCH-INTERVAL")
	}
	body, errBody := os.ReadFile(args[2])
	jobs, errJobs := strconv.Atoi(args[3])
	workers, errWorkers := strconv.Atoi(args[4])
	every, errEvery := time.ParseDuration(args[5])
	if err := errors.Join(errBody, errJobs, errWorkers, errEvery); err != nil {
		return 0, err
	}
	// As durable as ours: the log of SQLite is synced with each commit.
	db, err := sql.Open("sqlite", "file:"+args[0]+"?_pragma=journal_mode(WAL)&_pragma=synchronous(FULL)&_pragma=busy_timeout(10000)&_txlock=immediate")
	if err != nil {
		return 0, err
	}
	defer func() { err = errors.Join(err, db.Close()) }()
	db.SetMaxOpenConns(1) // as River's manual says of SQLite
	p := &poster{url: args[1], client: &http.Client{Transport: &http.Transport{MaxIdleConnsPerHost: workers}}, jobs: int64(jobs), all: make(chan struct{})}
	client, err := prepare(ctx, db, p, string(body), workers, every)
	if err != nil {
		return 0, err
	}
	began := time.Now()
	if err := client.Start(ctx); err != nil {
		return 0, err
	}
	defer func() { err = errors.Join(err, client.Stop(ctx)) }()
	err = p.wait(ctx, db)
	return time.Since(began), err
}

// prepare makes the tables and the jobs.
func prepare(ctx context.Context, db *sql.DB, p *poster, body string, workers int, every time.Duration) (*river.Client[*sql.Tx], error) {
	driver := riversqlite.New(db)
	migrator, err := rivermigrate.New(driver, nil)
	if err != nil {
		return nil, err
	}
	if _, err := migrator.Migrate(ctx, rivermigrate.DirectionUp, nil); err != nil {
		return nil, err
	}
	all := river.NewWorkers()
	river.AddWorker(all, p)
	client, err := river.NewClient(driver, &river.Config{
		Logger: slog.New(slog.DiscardHandler), Workers: all, FetchCooldown: every, FetchPollInterval: every,
		Queues: map[string]river.QueueConfig{river.QueueDefault: {MaxWorkers: workers}},
	})
	if err != nil {
		return nil, err
	}
	const atOnce = 500
	for made := int64(0); made < p.jobs; {
		var batch []river.InsertManyParams
		for ; made < p.jobs && len(batch) < atOnce; made++ {
			batch = append(batch, river.InsertManyParams{Args: postArgs{Body: body}})
		}
		if _, err := client.InsertMany(ctx, batch); err != nil {
			return nil, err
		}
	}
	return client, nil
}

// wait waits until each job is stored as completed.
func (p *poster) wait(ctx context.Context, db *sql.DB) error {
	select {
	case <-p.all:
	case <-ctx.Done():
		return ctx.Err()
	}
	const look = 5 * time.Millisecond
	every := time.NewTicker(look)
	defer every.Stop()
	for {
		var left int64
		err := db.QueryRowContext(ctx, "SELECT COUNT(*) FROM river_job WHERE state <> 'completed'").Scan(&left)
		if err != nil || left == 0 {
			return err
		}
		select {
		case <-every.C:
		case <-ctx.Done():
			return ctx.Err()
		}
	}
}
