package rollcalltest

import "rollcall/client"

// Fail lets calls of the app fail on purpose, after the faults that were added before,
// and returns the id of the fault. Two failures and then success are
//
//	srv.Fail(client.Fault{Command: "account_import", Code: 70500, Times: 2})
//
// Note that Client retries calls; [client.Options] of your own can turn that off.
func (s *Server) Fail(f client.Fault) (id string) {
	s.tb.Helper()
	added, err := s.AdminClient.AddFault(s.tb.Context(), s.SDKAppID, f)
	if err != nil {
		s.tb.Fatalf("rollcalltest: %v", err)
	}
	return added.ID
}

// Faults returns the faults of the app with the number of calls that each has changed.
func (s *Server) Faults() []client.ActiveFault {
	s.tb.Helper()
	list, err := s.AdminClient.Faults(s.tb.Context(), s.SDKAppID)
	if err != nil {
		s.tb.Fatalf("rollcalltest: %v", err)
	}
	return list
}

// ClearFaults ends all faults of the app.
func (s *Server) ClearFaults() {
	s.tb.Helper()
	if _, err := s.AdminClient.ClearFaults(s.tb.Context(), s.SDKAppID); err != nil {
		s.tb.Fatalf("rollcalltest: %v", err)
	}
}

// Calls returns the calls of a command that were made, oldest first and with their
// bodies. The command "" stands for all. A server keeps the newest 1000 calls.
func (s *Server) Calls(command string) []*client.CallRecord {
	s.tb.Helper()
	var all []*client.CallRecord
	for call, err := range s.AdminClient.Calls(s.tb.Context(), s.SDKAppID, client.CallQuery{Command: command, Bodies: true}) {
		if err != nil {
			s.tb.Fatalf("rollcalltest: %v", err)
		}
		all = append(all, call)
	}
	return all
}

// ClearCalls lets the server forget the calls that were made.
func (s *Server) ClearCalls() {
	s.tb.Helper()
	if _, err := s.AdminClient.ClearCalls(s.tb.Context(), s.SDKAppID); err != nil {
		s.tb.Fatalf("rollcalltest: %v", err)
	}
}
