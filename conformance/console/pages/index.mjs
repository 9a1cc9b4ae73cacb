// The pages of the console. An entry has
//
//   at       address; :app is the app of the visitor
//   has      selectors of what the page must show, with scripts and without
//   alike    it has the parts of another entry, so the tour asks axe-core less often and leaves
//            the keyboard out
//   status   of the response; 200 if absent
//   alone    its actions wait for those of the other visitor, because the server does one at a
//            time and refuses a second one
//   actions  what can be done there; see below
//   live     checks what needs scripts, if there is any
//
// An action fills in a form as a person would and sends it, or follows a link. Each visitor
// has an app and accounts of its own, so the actions of two do not meet.
//
//   at       address, if it is not that of the page
//   when     whether it can be done on this server; always if absent
//   form     selector of the form; the last one that fits
//   button   selector of its button, if it has several
//   fields   values by the names of the inputs, without their kind
//   itself   a script sends the form when it is changed
//   download checks the file that comes, instead of a page
//   refused  status of the response, if the action is in vain
//   click    selector of a link, instead of a form
//   on       does what is neither, before the form is sent
//   shows    selector of what must be there afterwards; a message of success if absent
//   before   prepares what the action changes
//   check    fails if the action has not done what it should
//
// Where an entry needs more than a text, it has a function of the world of the visitor.
import { account, accounts, imports } from './accounts.mjs';
import { app } from './app.mjs';
import { calls } from './calls.mjs';
import { server, start } from './server.mjs';

export const pages = [...start, ...accounts, ...account, ...imports, ...calls, ...app, ...server];

// Links to these lead to files and to other pages of the server.
export const files = ['/console/figures.csv', '/console/:app/accounts/export', '/console/:app/import/rejected'];
