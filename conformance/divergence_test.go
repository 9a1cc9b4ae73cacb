package conformance

import (
	"context"
	"errors"
	"fmt"
	"net/http"
	"net/http/httptest"
	"net/netip"
	"net/url"
	"regexp"
	"slices"
	"strings"
	"testing"
	"time"

	"rollcall/client"
	"rollcall/internal/account"
	"rollcall/internal/session"
	"rollcall/internal/testutil"
	"rollcall/internal/wire"
	"rollcall/rollcalltest"
	"rollcall/usersig"
)

// Each test in this file belongs to the line with its number in docs/divergences.md.

const (
	checkAlice = `{"CheckItem":[{"UserID":"alice"}]}`
	nickOf     = `{"To_Account":["alice"],"TagList":["Tag_Profile_IM_Nick"]}`
	ok         = `"ErrorCode":0`
)

func TestD01_GateOrder(t *testing.T) {
	inWorld(t, `{"disabled":true}`, func(w *world) {
		w.want("/v4/x/y?sdkappid=", "", "60009")
		w.want("/v4/openim/querystate?usersig=x", "", "60012")
		w.want("/v4/openim/querystate?sdkappid=1400000000", "", "60016")
	})
}

func TestD02_RandomAndContentTypeAreNotRead(t *testing.T) {
	inWorld(t, "", func(w *world) {
		const q = "/v4/im_open_login_svc/account_check?sdkappid=1400000000&identifier=administrator&usersig={{sig}}"
		w.want(q, checkAlice, ok)
		w.want(q+"&random=-1&contenttype=xml", checkAlice, ok)
	})
}

func TestD03_ExpiryAndSignature(t *testing.T) {
	inWorld(t, "", func(w *world) {
		w.want(target("account_check", "key=other age=48h"), checkAlice, "70001")
		w.want(target("account_check", "key=other-ecdsa age=48h"), checkAlice, "70009")
		w.want(target("account_check", "age=48h"), checkAlice, "70001")
	})
}

func TestD04_KickedIs70052(t *testing.T) {
	for setting, code := range map[string]string{"": "70052", `{"settings":{"kicked_as_expired":true}}`: "70001"} {
		inWorld(t, setting, func(w *world) {
			w.want("kick", `{"UserID":"administrator"}`, ok)
			w.want(target("account_check", "age=1s"), checkAlice, code)
		})
	}
}

func TestD65_KickAndFutureUserSig(t *testing.T) {
	for setting, code := range map[string]string{"": "70052", `{"settings":{"kicked_as_expired":true}}`: "70001"} {
		inWorld(t, setting, func(w *world) {
			w.want(target("account_check", "age=-48h"), checkAlice, ok)
			w.want("kick", `{"UserID":"administrator"}`, ok)
			w.want(target("account_check", "age=-1h"), checkAlice, ok)
			w.want(target("account_check", "age=-3601s"), checkAlice, code)
		})
	}
}

func TestD05_NotAdminByService(t *testing.T) {
	robots := map[string]string{"": "60010", "documented": "10008", "gateway": "60010"} // in another order of keys
	for mode, codes := range map[string]map[string]string{
		"":           {"account_check": "70403", "portrait_get": "60010", "querystate": "60010", "getnospeaking": "60010"},
		"documented": {"account_check": "70403", "portrait_get": "40004", "querystate": "90009", "getnospeaking": "60010"},
		"gateway":    {"account_check": "60010", "portrait_get": "60010", "querystate": "60010", "getnospeaking": "60010"},
	} {
		inWorld(t, `{"settings":{"not_admin":"`+mode+`"}}`, func(w *world) {
			w.want(target("get_all_robots", "user=alice"), "{}", `"ErrorCode":`+robots[mode])
			for command, code := range codes {
				w.want(target(command, "user=alice"), "{}", `{"ActionStatus":"FAIL","ErrorCode":`+code+`,"ErrorInfo":"`)
			}
		})
	}
}

func TestD06_Region(t *testing.T) {
	for setting, code := range map[string]string{"": ok, `{"settings":{"region":"singapore"}}`: "70020"} {
		inWorld(t, setting, func(w *world) {
			r := httptest.NewRequest("POST", expand(w, w.keys, target("account_check", "")), strings.NewReader(checkAlice))
			r.Host = "console.tim.qq.com"
			if got := w.do(r); !strings.Contains(got, code) {
				t.Errorf("with %s = %s, want %s", setting, got, code)
			}
		})
	}
}

func TestD07_LockoutIsOff(t *testing.T) {
	for setting, code := range map[string]string{"": ok, `{"settings":{"lockout_after":1}}`: "70050"} {
		inWorld(t, setting, func(w *world) {
			w.want(target("account_check", "key=other"), checkAlice, "70009")
			w.want("account_check", checkAlice, code)
		})
	}
}

func TestD08_RatesPerSecondOfTheClock(t *testing.T) {
	inWorld(t, `{"settings":{"rate_limits":{"account_check":1},"app_rate_limit":2}}`, func(w *world) {
		time.Sleep(999 * time.Millisecond)
		w.want("account_check", checkAlice, ok)
		w.want("account_check", checkAlice, "60007")
		w.want("kick", `{"UserID":"administrator"}`, ok)
		w.want("account_import", `{"UserID":"a"}`, "60011")
		time.Sleep(time.Millisecond)
		w.want("account_check", checkAlice, ok)
	})
}

func TestD09_AlwaysHTTP200(t *testing.T) {
	inWorld(t, "", func(w *world) {
		for _, path := range []string{"/v4/", "/v4//openim/querystate", "/v4/openim/querystate/"} {
			w.want(path, "", "60009")
		}
		if got := w.do(httptest.NewRequest("GET", "/v4/openim/querystate", nil)); !strings.Contains(got, "60002") {
			t.Errorf("GET = %s", got)
		}
	})
}

func TestD10_BadAndUnknownSDKAppID(t *testing.T) {
	inWorld(t, "", func(w *world) {
		w.want("/v4/openim/querystate?sdkappid=1x", "", "60006")
		w.want("/v4/openim/querystate?sdkappid=1", "", "70020")
	})
}

func TestD11_AbsentAndEmptySignature(t *testing.T) {
	inWorld(t, "", func(w *world) {
		const q = "/v4/openim/querystate?sdkappid=1400000000"
		w.want(q, "", "60004")
		w.want(q+"&identifier=administrator", "", "60004")
		w.want(q+"&identifier=administrator&usersig=", "", "70002")
	})
}

func TestD12_AllowList(t *testing.T) {
	inWorld(t, `{"settings":{"allow_sources":["192.0.2.0/24"]}}`, func(w *world) {
		w.want("account_check", checkAlice, ok) // httptest calls from 192.0.2.1
	})
	inWorld(t, `{"settings":{"allow_sources":["192.0.3.0/24"]}}`, func(w *world) {
		w.want("account_check", checkAlice, "60021")
	})
}

func TestD13_AnySignatureOfTestApps(t *testing.T) {
	inWorld(t, `{"test":true,"settings":{"any_signature":true}}`, func(w *world) {
		w.want(target("account_check", "key=other"), checkAlice, ok)
		w.want(target("account_check", "key=other age=48h"), checkAlice, "70001")
	})
}

func TestD66_ClockOfTestApps(t *testing.T) {
	const twoDays = `"clock":{"offset":172800000000000}`
	inWorld(t, `{"test":true,`+twoDays+`}`, func(w *world) {
		w.want("account_check", checkAlice, "70001")
		w.want(target("account_check", "age=-48h"), checkAlice, ok)
	})
	inWorld(t, `{"test":true}`, func(w *world) { w.want("account_check", checkAlice, ok) })
}

func TestD14_SeveralKeys(t *testing.T) {
	inWorld(t, "", func(w *world) {
		w.want(target("account_check", "key=hmac"), checkAlice, ok)
		w.want(target("account_check", "key=ecdsa"), checkAlice, ok)
		w.want(target("account_check", "key=old"), checkAlice, "70009")
	})
}

func TestD15_EmptyAndOverlongBody(t *testing.T) {
	inWorld(t, "", func(w *world) {
		w.want("querystate", "", "60002")
		w.want("querystate", `{"x":"{{x 1048569}}"}`, "60002")
		w.want("querystate", `{"x":"{{x 1048568}}"}`, "90001")
	})
}

func TestD16_StrictJSON(t *testing.T) {
	codes := map[string]string{"kick": "60003", "querystate": "90001", "portrait_get": "40001"}
	for command, code := range codes {
		inWorld(t, "", func(w *world) {
			for _, body := range []string{`{"x":1,"x":1}`, `{}{}`, `{"x":"{{hex ff}}"}`, `{"x":{{deep 32}}}`, `[]`} {
				w.want(command, body, code)
			}
		})
	}
}

func TestD17_IgnoredFields(t *testing.T) {
	inWorld(t, "", func(w *world) {
		w.want("account_import", `{"UserID":null,"Identifier":"a","x":[]}`, ok)
		w.want("account_import", `{"userID":"a"}`, "70402")
	})
}

func TestD18_IDOfAnotherType(t *testing.T) {
	inWorld(t, "", func(w *world) {
		w.want("multiaccount_import", `{"Accounts":["alice",1]}`, "60015")
		w.want("querystate", `{"To_Account":["alice",1]}`, "90003")
		w.want("portrait_get", `{"To_Account":["alice",1],"TagList":["Tag_Profile_IM_Nick"]}`, "40001")
		w.want("account_check", checkAlice, "NotImported")
	})
}

func TestD19_BadBatch(t *testing.T) {
	inWorld(t, "", func(w *world) {
		w.want("multiaccount_import", `{"Accounts":[]}`, "70402")
		w.want("multiaccount_import", `{"Accounts":[{{ids 101}}]}`, "70402")
		w.want("querystate", `{"To_Account":[]}`, "90001")
		w.want("querystate", `{"To_Account":[{{ids 501}}]}`, "90011")
		w.want("portrait_get", `{"To_Account":[],"TagList":["Tag_Profile_IM_Nick"]}`, "40002")
		w.want("portrait_get", `{"To_Account":[{{ids 101}}],"TagList":["Tag_Profile_IM_Nick"]}`, "40001")
		w.want("account_check", `{"CheckItem":[{"UserID":"id001"}]}`, "NotImported")
	})
}

func TestD20_WhollyFailedBatch(t *testing.T) {
	inWorld(t, "", func(w *world) {
		w.want("multiaccount_import", `{"Accounts":["","@"]}`, `"ErrorCode":0,"ErrorInfo":"","FailAccounts":["","@"]`)
	})
	inWorld(t, `{"settings":{"fail_wholly_failed":true}}`, func(w *world) {
		w.want("multiaccount_import", `{"Accounts":["","@"]}`, `"ErrorCode":70402`)
		w.want("multiaccount_import", `{"Accounts":["","a"]}`, ok)
	})
}

func TestD21_TwoNamesOfOneField(t *testing.T) {
	inWorld(t, "", func(w *world) {
		w.want("account_import", `{"Identifier":"bob","UserID":"alice"}`, ok)
		w.want("multiaccount_import", `{"Accounts":["bob"],"AccountList":[{"UserID":"carol"}]}`, ok)
		w.want("account_check", `{"CheckItem":[{"UserID":"bob"}]}`, "NotImported")
		w.want("account_check", `{"CheckItem":[{"UserID":"carol"}]}`, `"Imported"`)
	})
}

func TestD22_RepeatedID(t *testing.T) {
	inWorld(t, "", func(w *world) {
		w.want("multiaccount_import", `{"AccountList":[{"UserID":"alice","Nick":"1"},{"UserID":"alice","Nick":"2"}]}`, `"FailAccounts":[]`)
		w.want("portrait_get", nickOf, `"Value":"2"`)
	})
}

func TestD23_ReimportKeepsAbsentFields(t *testing.T) {
	inWorld(t, "", func(w *world) {
		w.want("account_import", `{"UserID":"alice","Nick":"A"}`, ok)
		w.want("account_import", `{"UserID":"alice","Nick":""}`, ok)
		w.want("multiaccount_import", `{"Accounts":["alice"]}`, ok)
		w.want("portrait_get", nickOf, `"Value":"A"`)
		w.want("account_import", `{"UserID":"alice","Nick":"B"}`, ok)
		w.want("portrait_get", nickOf, `"Value":"B"`)
	})
}

func TestD24_TypeIsIgnored(t *testing.T) {
	inWorld(t, "", func(w *world) { w.want("account_import", `{"UserID":"alice","Type":{}}`, ok) })
}

func TestD25_WordsInImports(t *testing.T) {
	inWorld(t, `{"settings":{"words":["bad"]}}`, func(w *world) {
		w.want("account_import", `{"UserID":"alice","Nick":"so BAD"}`, "40005")
		w.want("multiaccount_import", `{"AccountList":[{"UserID":"alice","Nick":"bad"}]}`, `"FailAccounts":["alice"]`)
	})
}

func TestD26_CheckOfBadAndRepeatedIDs(t *testing.T) {
	inWorld(t, "", func(w *world) {
		w.want("account_check", `{"CheckItem":[{"UserID":"@x"}]}`, `"UserID":"@x","ResultCode":70402`)
		got := w.post("account_check", `{"CheckItem":[{"UserID":"a"},{"UserID":"a"}]}`)
		if strings.Count(got, `"UserID":"a"`) != 2 {
			t.Errorf("a repeated id = %s", got)
		}
	})
}

func TestD27_DeletionOfBadIDsAndAdmins(t *testing.T) {
	inWorld(t, "", func(w *world) {
		w.want("account_delete", `{"DeleteItem":[{"UserID":"@x"}]}`, `"ResultCode":70402`)
		w.want("account_delete", `{"DeleteItem":[{"UserID":"administrator"}]}`, `"ResultCode":70402`)
		w.want("account_delete", `{"DeleteItem":[{"UserID":"alice"},{"UserID":"alice"}]}`, `{"ResultCode":0,"ResultInfo":"","UserID":"alice"},{"ResultCode":70107`)
	}, "alice")
}

func TestD28_DeletionByEdition(t *testing.T) {
	const body = `{"DeleteItem":[{"UserID":"alice"}]}`
	for setting, code := range map[string]string{
		`{"edition":"trial"}`: ok, `{"edition":"development"}`: ok, `{"edition":"pro"}`: "71000",
		`{"edition":"pro","settings":{"allow_delete":true}}`: ok,
	} {
		inWorld(t, setting, func(w *world) { w.want("account_delete", body, code) }, "alice")
	}
}

func TestD29_KickInWholeSeconds(t *testing.T) {
	inWorld(t, "", func(w *world) {
		time.Sleep(999 * time.Millisecond)
		w.want("kick", `{"UserID":"administrator"}`, ok)
		w.want(target("account_check", "age=999ms"), checkAlice, ok)
		w.want(target("account_check", "age=1s"), checkAlice, "70052")
	})
}

func TestD30_UnknownIDsOfStatus(t *testing.T) {
	inWorld(t, "", func(w *world) {
		w.want("query_online_status", `{"To_Account":["alice"]}`, `"ErrorList":[]`)
		w.want("query_online_status", `{"To_Account":["alice","bob"]}`, ok)
		w.want("query_online_status", `{"To_Account":["bob"]}`, `"ErrorCode":70107,"QueryResult":[],"ErrorList":[{"To_Account":"bob","ErrorCode":70107}]`)
	}, "alice")
}

func TestD31_QueryStateHasErrorList(t *testing.T) {
	inWorld(t, "", func(w *world) {
		w.want("querystate", `{"To_Account":["alice","bob"]}`, `[{"To_Account":"alice","State":"Offline"}],"ErrorList":[{"To_Account":"bob","ErrorCode":70107}]`)
	}, "alice")
}

func TestD32_NamesOfStatusExtras(t *testing.T) {
	s := setup{clock: start, apps: []account.App{{ID: defaultApp, Edition: account.Trial}}, accounts: []account.UserID{"alice"}, fault: account.OK}
	if err := s.readDevice("alice Web online 7"); err != nil {
		t.Fatal(err)
	}
	runWorld(t, s, func(w *world) {
		w.want("query_online_status", `{"To_Account":["alice"],"IsNeedDetail":1,"IsReturnInstid":1,"IsReturnCustomStatus":1}`,
			`"CustomStatus":"","Detail":[{"Platform":"Web","Status":"Online","Instid":7}]`)
	})
}

func TestD33_ProfileAllOrNothing(t *testing.T) {
	inWorld(t, "", func(w *world) {
		w.want("portrait_set", `{"From_Account":"alice","ProfileItem":[{"Tag":"Tag_Profile_IM_Nick","Value":"n"},{"Tag":"Tag_Profile_IM_Level","Value":"1"}]}`, "40610")
		w.want("portrait_get", nickOf, `"ProfileItem":[]`)
	}, "alice")
}

func TestD34_LengthOfLocation(t *testing.T) {
	inWorld(t, "", func(w *world) {
		w.want("portrait_set", `{"From_Account":"alice","ProfileItem":[{"Tag":"Tag_Profile_IM_Location","Value":"{{x 500}}"}]}`, ok)
		w.want("portrait_set", `{"From_Account":"alice","ProfileItem":[{"Tag":"Tag_Profile_IM_Location","Value":"{{x 501}}"}]}`, "40601")
	}, "alice")
}

func TestD35_UnsetTags(t *testing.T) {
	inWorld(t, "", func(w *world) { w.want("portrait_get", nickOf, `"ProfileItem":[],"ResultCode":0`) }, "alice")
}

func TestD36_UnknownIDsOfProfile(t *testing.T) {
	for setting, id := range map[string]string{"": "@TLS#NOT_FOUND", `{"settings":{"echo_unknown_ids":true}}`: "alice"} {
		inWorld(t, setting, func(w *world) {
			w.want("portrait_get", nickOf, `[{"To_Account":"`+id+`","ResultCode":40003`)
			w.want("portrait_get", nickOf, `"Fail_Account":["alice"],"ActionStatus":"OK"`)
		})
	}
}

func TestD37_NumbersAreNumbers(t *testing.T) {
	inWorld(t, "", func(w *world) {
		w.want("portrait_set", `{"From_Account":"alice","ProfileItem":[{"Tag":"Tag_Profile_IM_Level","Value":7}]}`, ok)
		w.want("portrait_get", `{"To_Account":["alice"],"TagList":["Tag_Profile_IM_Level"]}`, `"Value":7}`)
	}, "alice")
}

func TestD38_SpellingOfIDs(t *testing.T) {
	for setting, code := range map[string]string{"": ok, `{"settings":{"strict_ids":true}}`: "70402"} {
		inWorld(t, setting, func(w *world) { w.want("account_import", `{"UserID":"a b~"}`, code) })
	}
	inWorld(t, "", func(w *world) { w.want("account_import", `{"UserID":"é"}`, "70402") })
}

func TestD39_ReservedIDs(t *testing.T) {
	inWorld(t, "", func(w *world) {
		w.want("account_import", `{"UserID":"@anything"}`, "70402")
		w.want("account_import", `{"UserID":"#TOA#x"}`, "70402")
		w.want("account_import", `{"UserID":"#x"}`, ok)
	})
}

func TestD40_AdminsAreAccounts(t *testing.T) {
	inWorld(t, `{"admins":["root"],"settings":{"quota":3}}`, func(w *world) {
		w.want("account_check", `{"CheckItem":[{"UserID":"administrator"}]}`, `"Imported"`)
		w.want("account_check", `{"CheckItem":[{"UserID":"root"}]}`, `"Imported"`)
		w.want("multiaccount_import", `{"Accounts":["a","b"]}`, `"FailAccounts":["b"]`)
	})
	inWorld(t, `{"admins":["root"],"settings":{"quota":1}}`, func(w *world) {
		w.want(target("account_check", "user=root"), `{"CheckItem":[{"UserID":"root"}]}`, `"Imported"`)
	})
}

func TestD41_ThreeMonthsAre90Days(t *testing.T) {
	const body = `{"UserID":"alice"}`
	inWorld(t, `{"edition":"pro","settings":{"allow_delete":true}}`, func(w *world) {
		w.want("account_delete", `{"DeleteItem":[{"UserID":"alice"}]}`, ok)
		time.Sleep(90*24*time.Hour - time.Millisecond)
		w.want("account_import", body, "70399")
		time.Sleep(time.Millisecond)
		w.want("account_import", body, ok)
	}, "alice")
}

func TestD42_DeletionFreesQuota(t *testing.T) {
	inWorld(t, `{"settings":{"quota":2}}`, func(w *world) {
		w.want("account_import", `{"UserID":"bob"}`, "70398")
		w.want("account_delete", `{"DeleteItem":[{"UserID":"alice"}]}`, ok)
		w.want("account_import", `{"UserID":"bob"}`, ok)
	}, "alice")
}

func TestD43_BatchFillsQuotaInOrder(t *testing.T) {
	inWorld(t, `{"settings":{"quota":2}}`, func(w *world) {
		w.want("multiaccount_import", `{"Accounts":["a","b","a"]}`, `"FailAccounts":["b"]`)
	})
}

func TestD44_OwnTextsAndHeaders(t *testing.T) {
	inWorld(t, "", func(w *world) {
		w.want("kick", `{"UserID":""}`, `"ErrorInfo":"the UserID is empty; give 1 to 32 bytes"`)
		w.want("kick", `{"UserID":"alice"}`, `"ErrorInfo":"Err_TLS_PT_Open_Login_Account_Not_Exist"`)
		if got, want := w.header.Get("Rollcall-Advice"), "Import the account first."; got != want {
			t.Errorf("Rollcall-Advice = %q, want %q", got, want)
		}
		if w.header.Get("Rollcall-Request-Id") == "" {
			t.Error("no Rollcall-Request-Id")
		}
	})
}

func TestD45_FaultsOfTheServer(t *testing.T) {
	bodies := map[string]string{"kick": `{"UserID":"alice"}`, "querystate": `{"To_Account":["alice"]}`, "portrait_get": nickOf}
	for fault, codes := range map[account.Code]map[string]string{
		account.Internal:    {"kick": "70500", "querystate": "90994", "portrait_get": "40006"},
		account.Unavailable: {"kick": "70169", "querystate": "90992", "portrait_get": "40006"},
	} {
		s := setup{clock: start, apps: []account.App{{ID: defaultApp, Edition: account.Trial}}, fault: fault}
		runWorld(t, s, func(w *world) {
			for command, code := range codes {
				w.want(command, bodies[command], code)
			}
		})
	}
}

func TestD46_RequestIDInTheBody(t *testing.T) {
	inWorld(t, "", func(w *world) {
		if got := w.post("account_check", checkAlice); strings.Contains(got, "RequestId") {
			t.Errorf("RequestId although the app has no such setting: %s", got)
		}
	})
	inWorld(t, `{"settings":{"send_request_id":true}}`, func(w *world) {
		w.want("account_check", checkAlice, `,"RequestId":"`)
	})
}

func TestD47_HeadersOnRequest(t *testing.T) {
	inWorld(t, "", func(w *world) {
		to := expand(w, w.keys, target("multiaccount_import", ""))
		r := httptest.NewRequest("POST", to, strings.NewReader(`{"Accounts":["a","@"]}`))
		r.Header.Set("Rollcall-Explain", "1")
		r.Header.Set("Rollcall-RateLimit", "1")
		w.do(r)
		if got, want := w.header.Get("Rollcall-Explain"), "1=70402"; got != want {
			t.Errorf("Rollcall-Explain = %q, want %q", got, want)
		}
		if got, want := w.header.Get("Rollcall-RateLimit-Remaining"), "99"; got != want {
			t.Errorf("Rollcall-RateLimit-Remaining = %q, want %q", got, want)
		}
	})
}

func TestD48_UserBufIsSignedAndNotChecked(t *testing.T) {
	inWorld(t, "", func(w *world) {
		text, err := usersig.Sign(w.keys.signing["hmac"], usersig.Claims{
			SDKAppID: uint32(defaultApp), Identifier: "administrator", Validity: time.Hour, UserBuf: []byte("anything"),
		})
		if err != nil {
			t.Fatal(err)
		}
		const call = "/v4/im_open_login_svc/account_check?sdkappid=1400000000&identifier=administrator&usersig="
		w.want(call+text, checkAlice, ok)
		w.want(call+"{{sig json=userbuf-line}}", checkAlice, ok)
		w.want(call+"{{sig json=userbuf-text}}", checkAlice, ok)
		w.want(call+"{{sig json=userbuf-fields}}", checkAlice, "70003")
	})
}

func TestD49_LengthOfUserSig(t *testing.T) {
	inWorld(t, "", func(w *world) {
		w.want("/v4/im_open_login_svc/account_check?sdkappid=1400000000&identifier=administrator&usersig={{sig}}{{x 4096}}", checkAlice, "70003")
	})
}

func TestD50_LibraryFaultsOfHTTP2(t *testing.T) {
	c := dialHTTP2(t, serveWhole(t))
	long := strings.Repeat("x", 8000)
	large := slices.Repeat([]string{"a", long}, 9)
	for i, tt := range []struct {
		fields []string
		want   string
	}{
		{large[2:], `"ErrorCode":60012`}, // 63 KiB are let through to the gate
		{large, "HTTP Error 431"},
		{[]string{"connection", "close"}, "not valid in HTTP/2"},
	} {
		if got := c.post(byte(2*i+1), "/v4/openim/querystate", tt.fields...); !strings.Contains(got, tt.want) {
			t.Errorf("request %d = %q, want %s", i+1, got, tt.want)
		}
	}
}

func TestD51_TextForNumbers(t *testing.T) {
	const set = `{"From_Account":"alice","ProfileItem":[{"Tag":"Tag_Profile_IM_Level","Value":%s}]}`
	inWorld(t, "", func(w *world) { w.want("portrait_set", fmt.Sprintf(set, `"7"`), "40610") }, "alice")
	inWorld(t, `{"settings":{"numbers_as_text":true}}`, func(w *world) {
		for _, value := range []string{`"7"`, `"4294967295"`, `"0"`, `8`} {
			w.want("portrait_set", fmt.Sprintf(set, value), ok)
			w.want("portrait_get", `{"To_Account":["alice"],"TagList":["Tag_Profile_IM_Level"]}`, `"Value":`+strings.Trim(value, `"`)+`}`)
		}
		for _, value := range []string{`""`, `"x"`, `"-1"`, `"+1"`, `"1.0"`, `" 1"`, `"4294967296"`, `"18446744073709551616"`, `true`} {
			w.want("portrait_set", fmt.Sprintf(set, value), "40610")
		}
		w.want("portrait_set", `{"From_Account":"alice","ProfileItem":[{"Tag":"Tag_Profile_IM_Nick","Value":7}]}`, "40610")
		w.want("portrait_set", `{"From_Account":"alice","ProfileItem":[{"Tag":"Tag_Profile_IM_Nick","Value":"7"}]}`, ok)
	}, "alice")
}

func TestD52_StatusAndState(t *testing.T) {
	const body = `{"To_Account":["alice"]}`
	for setting, want := range map[string][2]string{
		"": {`{"To_Account":"alice","Status":"Offline"}`, `{"To_Account":"alice","State":"Offline"}`},
		`{"settings":{"status_and_state":true}}`: {
			`{"To_Account":"alice","Status":"Offline","State":"Offline"}`, `{"To_Account":"alice","State":"Offline","Status":"Offline"}`,
		},
	} {
		inWorld(t, setting, func(w *world) {
			w.want("query_online_status", body, want[0])
			w.want("querystate", body, want[1])
		}, "alice")
	}
}

func TestD57_AdviceForItems(t *testing.T) {
	inWorld(t, "", func(w *world) {
		w.want("multiaccount_import", `{"Accounts":["alice","@a",""]}`, ok)
		if got, want := w.header.Get("Rollcall-Advice"), "2 items failed, the first of them is Accounts[1] with 70402: "; !strings.HasPrefix(got, want) {
			t.Errorf("Rollcall-Advice = %q, want it to begin with %q", got, want)
		}
		w.want("account_check", checkAlice, ok)
		if got := w.header.Values("Rollcall-Advice"); got != nil {
			t.Errorf("Rollcall-Advice = %q after a call that succeeded", got)
		}
	})
}

func TestD58_DiagnosisOfTheBody(t *testing.T) {
	inWorld(t, "", func(w *world) {
		for _, test := range []struct{ command, body, info, advice string }{
			{"kick", `{'UserID':'a'}`, "byte 2 is a single quote", "Byte 2 is a single quote"},
			{"kick", `{"UserId":"a"}`, "UserId was found", "UserID is missing, and UserId was found"},
			{"querystate", `{'To_Account':['a']}`, "Fail to Parse json data of body, Please check it", "Byte 2 is a single quote"},
			{"querystate", `{"To_Account":[7]}`, "Invalid format of To_Account", "To_Account[0] is a number"},
			{"portrait_get", `[]`, "Err_Profile_Comm_Decode_Fail", "The body is an array"},
		} {
			w.want(test.command, test.body, test.info)
			if got := w.header.Get("Rollcall-Advice"); !strings.HasPrefix(got, test.advice) {
				t.Errorf("%s %s: Rollcall-Advice = %q, want it to begin with %q", test.command, test.body, got, test.advice)
			}
		}
	})
}

func TestD59_PathsWithoutACommand(t *testing.T) {
	inWorld(t, "", func(w *world) {
		for path, info := range map[string]string{
			"/v4/openim/sendmsg":                    "openim/sendmsg sends a message; Rollcall serves accounts alone",
			"/v4/im_open_login_svc/account_imports": "did you mean /v4/im_open_login_svc/account_import?",
			"/v3/openim/querystate":                 "the version in the path is not v4",
			"/openim/querystate":                    "/v4 is missing in the path",
		} {
			w.want(path, "{}", `"ErrorCode":60009,"ErrorInfo":"`)
			w.want(path, "{}", info)
		}
	})
}

func TestD60_SuggestedParameters(t *testing.T) {
	inWorld(t, "", func(w *world) {
		const path = "/v4/openim/querystate?"
		for query, info := range map[string]string{
			"SDKAppID=1400000000":                                   `"ErrorCode":60012,"ErrorInfo":"sdkappid is missing in the URL, and SDKAppID was found; write sdkappid"`,
			"sdkappid=1400000000&amp;identifier=administrator":      `"ErrorCode":60004,"ErrorInfo":"identifier is missing in the URL, and amp;identifier was found: write & and not the &amp; of HTML"`,
			"sdkappid=1400000000&identifier=administrator&user_sig": `"ErrorCode":60004,"ErrorInfo":"usersig is missing in the URL, and user_sig was found; write usersig"`,
			"sdkappid=1400000000&identifier=":                       `"ErrorCode":60004,"ErrorInfo":"identifier is empty in the URL; name an admin of the app"`,
			"sdkappid=1400000000&identifer=administrator":           `"ErrorCode":60004,"ErrorInfo":"identifier is missing in the URL, and identifer was found; write identifier"`,
			"sdkappid=1400000000&userid=administrator":              `"ErrorCode":60004,"ErrorInfo":"identifier is missing in the URL, and userid was found; write identifier"`,
			"id=1": `"ErrorCode":60012,"ErrorInfo":"sdkappid is missing in the URL; add it"`,
		} {
			w.want(path+query, "{}", info)
		}
	})
}

func TestD61_PathsOutside(t *testing.T) {
	srv := rollcalltest.NewServer(t)
	for _, test := range []struct{ host, kind, want string }{
		{"console.tim.qq.com", "text/plain", `{"ActionStatus":"FAIL","ErrorCode":60002,"ErrorInfo":"HTTP parse Error"}`},
		{"localhost", "application/json", `{"ActionStatus":"FAIL","ErrorCode":60002,"ErrorInfo":"HTTP parse Error"}`},
		{"localhost", "text/plain", "nothing here"},
	} {
		req := testutil.NewRequest(t, http.MethodPost, srv.URL+"/api", "", "{}")
		req.Host = test.host
		req.Header.Set("Content-Type", test.kind)
		if _, body := testutil.Do(t, http.DefaultClient, req); !strings.HasPrefix(body, test.want) {
			t.Errorf("%s, %s: %s, want %s", test.host, test.kind, body, test.want)
		}
	}
}

func TestD75_PreflightOfTestApps(t *testing.T) {
	preflight := func(w *world) *httptest.ResponseRecorder {
		r := httptest.NewRequest(http.MethodOptions, expand(w, w.keys, target("account_check", "")), nil)
		r.Header.Set("Access-Control-Request-Method", "POST")
		rec := httptest.NewRecorder()
		w.handler.ServeHTTP(rec, r)
		return rec
	}
	inWorld(t, `{"test":true,"settings":{"cors":true}}`, func(w *world) {
		if got := preflight(w); got.Code != http.StatusNoContent || got.Header().Get("Access-Control-Max-Age") == "" {
			w.Errorf("%d %v", got.Code, got.Header())
		}
	})
	inWorld(t, `{"test":true}`, func(w *world) {
		if got := preflight(w); got.Code != http.StatusOK || !strings.Contains(got.Body.String(), "60002") {
			w.Errorf("%d %s", got.Code, got.Body)
		}
	})
}

func TestD76_FaultsOfTestApps(t *testing.T) {
	srv := rollcalltest.NewServer(t)
	srv.Fail(client.Fault{Status: 503, Code: 70500, Times: 1})
	query := url.Values{"sdkappid": {fmt.Sprint(srv.SDKAppID)}, "identifier": {srv.Admin}, "usersig": {srv.UserSig(srv.Admin)}}
	path := srv.URL + wire.CommandNamed("account_check").Path() + "?" + query.Encode()
	if status, got := send(t, "POST", path, "", checkAlice); status != 503 || !strings.Contains(got, `"ErrorCode":70500`) {
		t.Errorf("%d %s", status, got)
	}
	if status, got := send(t, "POST", path, "", checkAlice); status != 200 || !strings.Contains(got, ok) {
		t.Errorf("%d %s", status, got)
	}
}

func TestD80_MutesBelongToAccounts(t *testing.T) {
	inWorld(t, "", func(w *world) {
		w.want("setnospeaking", `{"Set_Account":"nobody","C2CmsgNospeakingTime":60}`, "130005")
		w.want("getnospeaking", `{"Get_Account":"nobody"}`, "130005")
		w.want("setnospeaking", `{"Set_Account":"alice","C2CmsgNospeakingTime":60}`, ok)
		w.want("getnospeaking", `{"Get_Account":"alice"}`, `"C2CmsgNospeakingTime":60`)
		w.want("account_delete", `{"DeleteItem":[{"UserID":"alice"}]}`, ok)
		w.want("account_import", `{"UserID":"alice"}`, ok)
		w.want("getnospeaking", `{"Get_Account":"alice"}`, `"C2CmsgNospeakingTime":0`)
	}, "alice")
}

func TestD81_ResponsesOfMutes(t *testing.T) {
	inWorld(t, "", func(w *world) {
		for _, command := range []string{"setnospeaking", "getnospeaking"} {
			w.want(command, `{"`, `{"ErrorCode":130001,"ErrorInfo":"`)
			w.want(command, `{}`, `{"ErrorCode":130004,"ErrorInfo":"`)
			w.want(target(command, "user=alice"), `{}`, `{"ActionStatus":"FAIL","ErrorCode":60010,"ErrorInfo":"`)
		}
	})
}

func TestD82_TimesOfMutes(t *testing.T) {
	inWorld(t, "", func(w *world) {
		const both = `"C2CmsgNospeakingTime":60,"GroupmsgNospeakingTime":70`
		w.want("setnospeaking", `{"Set_Account":"administrator",`+both+`}`, ok)
		w.want("setnospeaking", `{"Set_Account":"administrator","C2CmsgNospeakingTime":0,"GroupmsgNospeakingTime":4294967296}`, "130008")
		w.want("getnospeaking", `{"Get_Account":"administrator"}`, both)
		w.want("setnospeaking", `{"Set_Account":"administrator","C2CmsgNospeakingTime":0}`, ok)
		w.want("getnospeaking", `{"Get_Account":"administrator"}`, `"C2CmsgNospeakingTime":0,"GroupmsgNospeakingTime":70`)
	})
}

func TestD83_RobotsAreBesideAccounts(t *testing.T) {
	inWorld(t, `{"settings":{"quota":1}}`, func(w *world) {
		const ids = `{"To_Account":["@RBT#1"],"TagList":["Tag_Profile_IM_Nick"]}`
		w.want("create_robot", `{"UserID":"@RBT#1","Nick":"robot"}`, ok)
		w.want("account_check", `{"CheckItem":[{"UserID":"@RBT#1"}]}`, `"AccountStatus":"Imported"`)
		w.want("portrait_get", ids, `"Value":"robot"`)
		w.want("portrait_set", `{"From_Account":"@RBT#1","ProfileItem":[{"Tag":"Tag_Profile_IM_Nick","Value":"new"}]}`, ok)
		w.want("portrait_get", ids, `"Value":"new"`)
		w.want("query_online_status", `{"To_Account":["@RBT#1"]}`, `"Status":"Offline"`)
		w.want("setnospeaking", `{"Set_Account":"@RBT#1","C2CmsgNospeakingTime":60}`, ok)
		w.want("account_import", `{"UserID":"@RBT#1"}`, "70402")
		w.want("account_delete", `{"DeleteItem":[{"UserID":"@RBT#1"}]}`, `"ResultCode":70402`)
		w.want("kick", `{"UserID":"@RBT#1"}`, "70402")
		w.want("get_all_robots", `{}`, `"Robot_Account":["@RBT#1"]`)
	})
	srv := rollcalltest.NewServer(t)
	if err := srv.Client.CreateRobot(t.Context(), client.Robot{UserID: "@RBT#1"}); err != nil {
		t.Fatal(err)
	}
	if n, err := srv.AdminClient.CountAccounts(t.Context(), srv.SDKAppID); err != nil || n != 1 {
		t.Errorf("%d accounts with a robot and an admin, %v; want 1", n, err)
	}
}

func TestD84_RobotsCreatedAgain(t *testing.T) {
	inWorld(t, `{"settings":{"words":["rude"]}}`, func(w *world) {
		w.want("create_robot", `{"UserID":"@RBT#1","Nick":"n","FaceUrl":"f","SelfSignature":"s"}`, ok)
		w.want("create_robot", `{"UserID":"@RBT#1","Nick":"new","FaceUrl":""}`, ok)
		w.want("create_robot", `{"UserID":"@RBT#1","Nick":"rude"}`, "10004")
		w.want("create_robot", `{"UserID":"@RBT#1","Nick":"{{x 501}}"}`, "10004")
		w.want("portrait_get", `{"To_Account":["@RBT#1"],"TagList":["Tag_Profile_IM_Nick","Tag_Profile_IM_Image","Tag_Profile_IM_SelfSignature"]}`,
			`[{"Tag":"Tag_Profile_IM_Nick","Value":"new"},{"Tag":"Tag_Profile_IM_Image","Value":"f"},{"Tag":"Tag_Profile_IM_SelfSignature","Value":"s"}]`)
	})
}

func TestD85_DeletedRobots(t *testing.T) {
	inWorld(t, "", func(w *world) {
		for i := range account.MaxRobots {
			w.want("create_robot", fmt.Sprintf(`{"UserID":"@RBT#%d","Nick":"n"}`, i), ok)
		}
		w.want("create_robot", `{"UserID":"@RBT#new"}`, "10008")
		w.want("delete_robot", `{"Robot_Account":"@RBT#0"}`, ok)
		w.want("delete_robot", `{"Robot_Account":"@RBT#0"}`, "10008")
		w.want("account_check", `{"CheckItem":[{"UserID":"@RBT#0"}]}`, `"AccountStatus":"NotImported"`)
		w.want("get_all_robots", `{}`, `"Robot_Account":["@RBT#1",`)
		w.want("create_robot", `{"UserID":"@RBT#0"}`, ok)
		w.want("portrait_get", `{"To_Account":["@RBT#0"],"TagList":["Tag_Profile_IM_Nick"]}`, `"ProfileItem":[]`)
	})
}

func TestD86_Addresses(t *testing.T) {
	for setting, list := range map[string]string{"": "[]", `{"settings":{"ip_list":["2001:db8::1"]}}`: `["2001:db8::1"]`} {
		inWorld(t, setting, func(w *world) { // where calls arrive at no address
			for _, nettype := range []string{"", "&nettype=6", "&nettype=7", "&nettype=%zz"} {
				w.want(target("GetIPList", "")+nettype, "{}", `{"ActionStatus":"OK","ErrorCode":0,"IPList":`+list+"}")
			}
		})
	}
	srv := rollcalltest.NewServer(t)
	if got, err := srv.Client.IPList(t.Context()); err != nil || !slices.Equal(got, []string{"127.0.0.1"}) {
		t.Errorf("IPList = %q, %v", got, err)
	}
}

func TestD87_EventOfAKick(t *testing.T) {
	for event, want := range map[string][]string{
		"":           {"Logout/Unregister Android", "Logout/Unregister Web"},
		"disconnect": {"Disconnect/LinkClose Android", "Disconnect/LinkClose Web"},
		"off":        nil,
	} {
		inWorld(t, `{"settings":{"kick_event":"`+event+`"}}`, func(w *world) {
			w.drop(w.logins(account.IPhone, account.Android, account.Web)[0])
			w.wantEvents("Disconnect/LinkClose iPhone")
			w.want("kick", `{"UserID":"alice"}`, ok)
			w.wantStatus("Offline")
			w.wantEvents(want...)
		}, "alice")
	}
}

func TestD88_EventOfADeletion(t *testing.T) {
	inWorld(t, "", func(w *world) {
		w.drop(w.logins(account.IPhone, account.Android)[0])
		w.events = nil
		w.want("account_delete", `{"DeleteItem":[{"UserID":"alice"}]}`, ok)
		w.wantEvents("Logout/Unregister Android")
	}, "alice")
}

func TestD89_PlatformsWithPush(t *testing.T) {
	for setting, want := range map[string]string{
		"": "PushOnline: iPhone PushOnline, iPad PushOnline, Android PushOnline",
		`{"settings":{"push_platforms":["Android","Mac"]}}`: "PushOnline: Android PushOnline, Mac PushOnline",
	} {
		inWorld(t, setting, func(w *world) {
			for _, in := range w.logins(account.Platforms()...) {
				if in.Device.Platform != account.Web { // gave way to the mini-program
					w.drop(in)
				}
			}
			w.wantStatus(want)
		}, "alice")
	}
}

func TestD90_EndOfPushOnline(t *testing.T) {
	inWorld(t, "", func(w *world) {
		w.drop(w.logins(account.Android)[0])
		w.wantEvents("Disconnect/LinkClose Android")
		time.Sleep(7*24*time.Hour - time.Millisecond)
		w.wantStatus("PushOnline: Android PushOnline")
		time.Sleep(time.Millisecond)
		w.wantStatus("Offline")
		w.login(session.Login{Platform: account.Web})
		w.wantEvents("Login/Register Web")
	}, "alice")
}

func TestD91_LoginModes(t *testing.T) {
	for settings, want := range map[string]string{
		``:                         "iPhone Online, Android Online, Web Online, PC Online, Mac Online",
		`"login_mode":"triple"`:    "Android Online, Web Online, Mac Online",
		`"login_mode":"dual"`:      "Web Online, Mac Online",
		`"login_mode":"single"`:    "Web Online",
		`"devices_per_platform":2`: "iPhone Online, Android Online, Android Online, Web Online, PC Online, Mac Online",
		`"web_instances":2`:        "iPhone Online, Android Online, Web Online, Web Online, PC Online, Mac Online",
	} {
		inWorld(t, `{"settings":{`+settings+`}}`, func(w *world) {
			w.logins(account.IPhone, account.Android, account.Android, account.Web, account.Windows, account.Mac, account.Web)
			w.wantStatus("Online: " + want)
		}, "alice")
	}
}

func TestD92_WhichDeviceGivesWay(t *testing.T) {
	inWorld(t, `{"settings":{"devices_per_platform":2}}`, func(w *world) {
		first := w.logins(account.Android, account.Android)
		w.drop(first[1])
		for _, want := range []uint64{first[0].Device.ID, first[1].Device.ID} {
			if in := w.logins(account.Android)[0]; len(in.Replaced) != 1 || in.Replaced[0].ID != want {
				w.Errorf("%+v gave way, want %d", in.Replaced, want)
			}
		}
	}, "alice")
}

func TestD93_ReconnectOfAReplacedDevice(t *testing.T) {
	for setting, want := range map[string]account.Code{"": account.OK, `{"settings":{"kicked_reconnect":"refuse"}}`: account.Replaced} {
		inWorld(t, setting, func(w *world) {
			first := w.logins(account.Android, account.Android)[0]
			err := w.change(first, func(s *session.Sessions, ctx context.Context, at session.Target, id uint64) error {
				_, err := s.Reconnect(ctx, at, id)
				return err
			})
			if account.CodeOf(err) != want {
				w.Errorf("a reconnect: %v, want code %v", err, want)
			}
			if want == account.OK {
				w.wantEvents("Login/Register Android for Android")
			}
		}, "alice")
	}
}

func TestD94_SeveralDevicesOfAPlatform(t *testing.T) {
	inWorld(t, `{"settings":{"devices_per_platform":2}}`, func(w *world) {
		first := w.logins(account.Android, account.IPad, account.Android)
		w.drop(first[0])
		w.wantStatus("Online: iPad Online, Android PushOnline, Android Online")
	}, "alice")
}

func TestD95_Linux(t *testing.T) {
	inWorld(t, "", func(w *world) {
		w.logins(account.Linux)
		w.wantStatus("Online: PC Online")
	}, "alice")
	if kicked, query := account.Linux.InKicked(), account.Linux.InQuery(); kicked != "Linux" || query != "Unknown" {
		t.Errorf("KickedDevice has %s, OptPlatform %s", kicked, query)
	}
}

func TestD96_StatusOfAnAccount(t *testing.T) {
	inWorld(t, "", func(w *world) {
		all := w.logins(account.IPhone, account.Android)
		w.drop(all[0])
		w.wantStatus("Online: iPhone PushOnline, Android Online")
		w.drop(all[1])
		w.wantStatus("PushOnline: iPhone PushOnline, Android PushOnline")
	}, "alice")
}

func TestD97_EndOfTheCustomStatus(t *testing.T) {
	const body = `{"To_Account":["alice"],"IsReturnCustomStatus":1}`
	inWorld(t, "", func(w *world) {
		phone := w.logins(account.Android)[0]
		err := w.change(phone, func(s *session.Sessions, ctx context.Context, at session.Target, _ uint64) error {
			return s.SetStatus(ctx, at, "busy")
		})
		if err != nil {
			w.Fatal(err)
		}
		w.want("query_online_status", body, `"Status":"Online","CustomStatus":"busy"`)
		w.wantEvents("CustomStatusChange/SetCustomStatus Android")
		w.drop(phone)
		w.want("query_online_status", body, `"Status":"PushOnline","CustomStatus":""`)
		w.wantEvents("Disconnect/LinkClose Android")
	}, "alice")
}

func TestD98_DevicesInTheBackground(t *testing.T) {
	inWorld(t, "", func(w *world) {
		for _, in := range w.logins(account.Android, account.MiniProgram) {
			w.silence(in, session.Background)
		}
		time.Sleep(30*time.Second - time.Millisecond)
		w.wantStatus("Online: Android Online, Web Online")
		time.Sleep(time.Millisecond)
		w.wantStatus("Online: Android Online")
		time.Sleep(24 * time.Hour)
		w.wantStatus("Online: Android Online")
	}, "alice")
}

func TestD99_TheSameInstanceAgain(t *testing.T) {
	inWorld(t, "", func(w *world) {
		for platform, want := range map[account.Platform][]string{account.Web: nil, account.Android: {"Login/Register Android"}} {
			l := session.Login{Platform: platform, Instance: "mine"}
			first := w.login(l)
			w.events = nil
			if again := w.login(l); again.Device.ID != first.Device.ID || len(again.Replaced) != 0 {
				w.Errorf("%+v, want the device of %+v", again, first)
			}
			w.wantEvents(want...)
		}
	}, "alice")
}

func TestD100_MiniProgramsAreWeb(t *testing.T) {
	inWorld(t, "", func(w *world) {
		w.silence(w.logins(account.MiniProgram)[0], session.Left)
		w.wantStatus("Online: Web Online")
		time.Sleep(5 * time.Second)
		w.wantStatus("Offline")
	}, "alice")
	if kicked, query := account.MiniProgram.InKicked(), account.MiniProgram.InQuery(); kicked != "Web" || query != "Web" {
		t.Errorf("KickedDevice has %s, OptPlatform %s", kicked, query)
	}
}

func TestD101_EndOfTheUserSig(t *testing.T) {
	inWorld(t, "", func(w *world) {
		w.login(session.Login{Platform: account.Android, Expires: time.Now().Add(time.Hour)})
		time.Sleep(time.Hour + time.Second - time.Millisecond) // still valid in the second of its expiry
		w.wantStatus("Online: Android Online")
		time.Sleep(time.Millisecond)
		w.wantStatus("PushOnline: Android PushOnline")
		w.events = nil
		w.login(session.Login{Platform: account.Web})
		w.wantEvents("Disconnect/LinkClose Android", "Login/Register Web")
	}, "alice")
}

func TestD102_DevicesInWebhooks(t *testing.T) {
	h := newHook(t, client.NewWebhook{})
	for _, l := range []client.DeviceLogin{
		{UserID: "alice", Platform: "iPhone", Address: netip.MustParseAddr("192.0.2.7")}, {UserID: "alice", Platform: "Linux"},
	} {
		if _, err := h.AdminClient.LoginDevice(t.Context(), h.SDKAppID, l); err != nil {
			t.Fatal(err)
		}
	}
	const login = `{"CallbackCommand":"State.StateChange","EventTime":{{now}},"Info":{"Action":"Login","To_Account":"alice","Reason":"Register"}}`
	h.want("CallbackCommand=State.StateChange&contenttype=json&ClientIP=192.0.2.7&OptPlatform=iOS", login)
	h.want("CallbackCommand=State.StateChange&contenttype=json&ClientIP=&OptPlatform=Unknown", login)
	h.set(client.NewWebhook{IOSSpelling: "IOS"})
	if err := h.Client.Kick(t.Context(), "alice"); err != nil {
		t.Fatal(err)
	}
	kicked := h.next() + h.next()
	for _, part := range []string{"ClientIP=192.0.2.7&OptPlatform=IOS", "ClientIP=&OptPlatform=Unknown"} {
		if !strings.Contains(kicked, part) {
			t.Errorf("%q is not in %s", part, kicked)
		}
	}
}

func TestD103_ImportsAreQuiet(t *testing.T) {
	h := newHook(t, client.NewWebhook{})
	imports := func() {
		if err := h.Client.ImportAccount(t.Context(), client.Account{UserID: "alice", Nick: "A"}); err != nil {
			t.Fatal(err)
		}
	}
	imports()
	h.nick("alice", "A") // what it was already
	h.want(byREST, portrait("alice", "A"))
	h.set(client.NewWebhook{ImportEvent: true})
	imports()
	h.want(byREST, portrait("alice", "A"))
}

func TestD104_OrderOfWebhooks(t *testing.T) {
	h := newHook(t, client.NewWebhook{})
	if err := h.Client.ImportAccount(t.Context(), client.Account{UserID: "alice"}); err != nil {
		t.Fatal(err)
	}
	for i := range 20 {
		h.nick("alice", fmt.Sprint(i))
	}
	for i := range 20 {
		h.want(byREST, portrait("alice", fmt.Sprint(i)))
	}
}

func TestD105_ReliableWebhooks(t *testing.T) {
	h := newHook(t, client.NewWebhook{Mode: "reliable"})
	if err := h.Client.ImportAccount(t.Context(), client.Account{UserID: "alice"}); err != nil {
		t.Fatal(err)
	}
	h.status <- 503
	h.nick("alice", "A")
	h.want(byREST, portrait("alice", "A"))
	h.want(byREST, portrait("alice", "A")) // after 5 seconds
	h.set(client.NewWebhook{Mode: "faithful"})
	h.status <- 503
	h.nick("alice", "B")
	h.want(byREST, portrait("alice", "B")) // once
	h.nick("alice", "C")
	h.want(byREST, portrait("alice", "C"))
}

func TestD106_TargetsOfWebhooks(t *testing.T) {
	h := newHook(t, client.NewWebhook{URL: "/?key=1"})
	if err := h.Client.ImportAccount(t.Context(), client.Account{UserID: "alice"}); err != nil {
		t.Fatal(err)
	}
	h.status <- http.StatusTemporaryRedirect
	h.nick("alice", "A")
	if got := h.next(); !strings.HasPrefix(got, "/?key=1&SdkAppid=") {
		t.Errorf("%s", got)
	}
	h.set(client.NewWebhook{}) // in effect at once
	h.nick("alice", "B")
	h.want(byREST, portrait("alice", "B"))
	_, err := h.AdminClient.SetWebhook(t.Context(), h.SDKAppID, client.NewWebhook{URL: "http://169.254.169.254/"})
	if p, ok := errors.AsType[*client.Problem](err); !ok || p.Slug != client.SlugBadRequest {
		t.Errorf("a link-local address: %v", err)
	}
}

func TestD107_AlertsOfRateLimits(t *testing.T) {
	h := newHook(t, client.NewWebhook{})
	limits := map[string]int{"account_check": 5}
	if _, err := h.AdminClient.UpdateApp(t.Context(), h.SDKAppID, client.AppPatch{Settings: client.SettingsPatch{"rate_limits": limits}}); err != nil {
		t.Fatal(err)
	}
	for range 40 { // over 80 % of the limit in some second, and more than once
		_, _ = h.Client.CheckAccounts(t.Context(), []string{"alice"})
	}
	got := h.next()
	want := regexp.MustCompile(`^/\?SdkAppid=\d+&CallbackCommand=Alert.RequestOverLimit&OptPlatform=RESTAPI&contenttype=json\n\n` +
		`\{"CallbackCommand":"Alert.RequestOverLimit","ServiceName":"im_open_login_svc","Command":"account_check","Request":\d+,"Limit":5}$`)
	if !want.MatchString(got) || len(h.got) > 0 {
		t.Errorf("%d more; got %s", len(h.got), got)
	}
}

func TestD108_DaysOfFigures(t *testing.T) {
	for setting, dates := range map[string][2]string{ // at 2023-11-14T22:13:20Z
		"": {"20231115", "20231017"},
		`{"settings":{"figures_zone":"America/Los_Angeles"}}`: {"20231114", "20231016"},
	} {
		inWorld(t, setting, func(w *world) {
			got := w.post("getappinfo", `{"RequestField":["Date"]}`)
			begin, end := `{"ErrorCode":0,"ErrorInfo":"OK","Result":[{"Date":"`+dates[0]+`"},`, `,{"Date":"`+dates[1]+`"}]}`
			if !strings.HasPrefix(got, begin) || !strings.HasSuffix(got, end) || strings.Count(got, "Date") != 30 {
				t.Errorf("with %s: %s", setting, got)
			}
		})
	}
}

func TestD109_FieldsOfFigures(t *testing.T) {
	inWorld(t, "", func(w *world) {
		w.want("getappinfo", `{"RequestField":["AppId","QQ"]}`, `"Result":[{"AppId":"1400000000","Date":"20231115"},`)
		w.want("getappinfo", `{"RequestField":["QQ"]}`, `"Result":[{"Date":"20231115"},`)
		whole := w.post("getappinfo", `{}`)
		for _, body := range []string{`{"RequestField":[]}`, `{"RequestField":null}`} {
			w.want("getappinfo", body, whole)
		}
		for _, body := range []string{`{"RequestField":"AppId"}`, `{"RequestField":{}}`, `{"RequestField":["AppId",1]}`, `{"RequestField":[null]}`} {
			w.want("getappinfo", body, `{"ErrorCode":130001,"ErrorInfo":"RequestField`)
		}
	})
}

func TestD110_FiguresWithoutSource(t *testing.T) {
	inWorld(t, "", func(w *world) {
		got := w.post("getappinfo", `{}`)
		for _, name := range []string{"UpMsgNum", "GroupAllGroupNum", "ChainIncrease", "APNSMsgNum"} {
			if strings.Count(got, `"`+name+`":"0"`) != 30 {
				t.Errorf("%s: %s", name, got)
			}
		}
		if strings.Contains(got, "AppName") || strings.Contains(got, "Company") {
			t.Error(got)
		}
	})
}

func TestD111_LoginsOfADay(t *testing.T) {
	inWorld(t, "", func(w *world) {
		const all = `{"RequestField":["LoginTimes","LoginUserNum","ActiveUserNum","RegistUserNumOneDay"]}`
		login := func(user account.UserID, p account.Platform) {
			if _, err := w.dir.Login(w.Context(), defaultApp, user, session.Login{Platform: p, Instance: "i"}); err != nil {
				t.Fatal(err)
			}
		}
		login("alice", account.Android)
		login("alice", account.Web)
		login("alice", account.Web) // its link is in order, so it causes no event
		login("alice", account.Android)
		login("bob", account.Android)
		w.want("getappinfo", all, `"Result":[{"ActiveUserNum":"2","Date":"20231115","LoginTimes":"4","LoginUserNum":"2","RegistUserNumOneDay":"1"},`)
		if n := strings.Count(strings.Join(w.events, " "), "Login"); n != 4 {
			t.Errorf("%d events: %q", n, w.events)
		}
		time.Sleep(24 * time.Hour)
		w.want("getappinfo", all, `"Result":[{"ActiveUserNum":"0","Date":"20231116","LoginTimes":"0","LoginUserNum":"0","RegistUserNumOneDay":"0"},`)
	}, "alice")
}

func TestD112_OnlineAtOnce(t *testing.T) {
	inWorld(t, "", func(w *world) {
		for _, user := range []account.UserID{"alice", "bob"} {
			if _, err := w.dir.Login(w.Context(), defaultApp, user, session.Login{Platform: account.Android}); err != nil {
				t.Fatal(err)
			}
		}
		w.want("kick", `{"UserID":"bob"}`, ok)
		w.want("getappinfo", `{"RequestField":["MaxOnlineNum"]}`, `"Result":[{"Date":"20231115","MaxOnlineNum":"2"},`)
		time.Sleep(24 * time.Hour) // alice stays online
		w.want("getappinfo", `{"RequestField":["MaxOnlineNum"]}`, `"Result":[{"Date":"20231116","MaxOnlineNum":"1"},`)
	}, "alice", "bob")
}

func TestD113_WebhooksOfADay(t *testing.T) {
	h := newHook(t, client.NewWebhook{Events: []string{"State.StateChange"}})
	before, err := h.Client.AppInfo(t.Context(), "Date")
	if err != nil {
		t.Fatal(err)
	}
	today := before[0].Date
	h.status <- http.StatusInternalServerError
	for _, user := range []string{"alice", "bob", "carol"} {
		if _, err := h.AdminClient.LoginDevice(t.Context(), h.SDKAppID, client.DeviceLogin{UserID: user, Platform: "Android"}); err != nil {
			t.Fatal(err)
		}
		h.next()
	}
	want := client.AppInfo{CallBackReq: "3", CallBackRsp: "2"}
	for begin := time.Now(); ; time.Sleep(10 * time.Millisecond) { // a webhook is counted after its response
		days, err := h.Client.AppInfo(t.Context(), "CallBackReq", "CallBackRsp")
		if err != nil {
			t.Fatal(err)
		}
		got := days[0]
		if got.Date = ""; got == want {
			return
		}
		if days[0].Date != today {
			t.Skip("a day has ended meanwhile")
		}
		if time.Since(begin) > 5*time.Second {
			t.Fatalf("%+v, want %+v", got, want)
		}
	}
}
