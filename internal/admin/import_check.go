package admin

import (
	"context"

	"rollcall/internal/adminapi"
	"rollcall/internal/bulk"
	"rollcall/internal/dryrun"
	"rollcall/internal/httpx"
)

// checkImport says what an import of the file in the body would do.
func (s *Server) checkImport(ctx context.Context, c *call) (adminapi.ImportReport, error) {
	job, err := s.uploaded(c)
	if err != nil {
		return adminapi.ImportReport{}, err
	}
	r, err := s.imports.Check(ctx, job, c.r.Body, streamConn{c.w}, httpx.Ending(ctx))
	if err != nil {
		return adminapi.ImportReport{}, err
	}
	return showReport(r), nil
}

// uploaded returns the job of a body that is a file, without its key.
func (s *Server) uploaded(c *call) (j bulk.Job, err error) {
	if j.App, err = c.app(); err != nil {
		return j, err
	}
	if !s.imports.Uploads() {
		return j, &problemError{unsupported, "this server has no data directory for uploads; start it with --data, or send the rows as a stream"}
	}
	n, err := c.newImport()
	if err != nil {
		return j, err
	}
	j.Actor, j.ImportJob = c.actor(), jobOf(n)
	return j, nil
}

func showReport(r *dryrun.Report) adminapi.ImportReport {
	return adminapi.ImportReport{
		Rows: r.Rows, Accepted: r.Accepted, Rejected: r.Rejected, Accounts: r.Accounts,
		Duplicates: r.Duplicates, CaseVariants: r.CaseVariants, Tagged: r.Tagged, Stopped: r.Stopped,
		Rejections: showProblems(r.Rejections), Warnings: showProblems(r.Warnings),
		Quota: r.Quota, Count: r.Count, OverQuota: r.OverQuota,
	}
}

func showProblems(problems []dryrun.Problem) []adminapi.ImportProblem {
	shown := make([]adminapi.ImportProblem, len(problems))
	for i, p := range problems {
		shown[i] = adminapi.ImportProblem{What: p.What, Rows: p.Rows, Examples: make([]adminapi.ImportExample, len(p.Examples))}
		for j, e := range p.Examples {
			x := adminapi.ImportExample{Line: e.Line, UserID: e.UserID, Value: e.Value}
			if e.Later != nil {
				x.LaterLine, x.LaterUserID = e.Later.Line, e.Later.UserID
			}
			shown[i].Examples[j] = x
		}
	}
	return shown
}
