// What the phone owes the server: state in, state out. No page, no storage, no clock, no network in here, so that
// tests can drive it through losses no phone would show on demand (tests/attendance/offline_core.js).
//
// A tap is an open mark, one for each person. Sending seals the open marks of one session into a batch: one uuid, one
// body, the same bytes on every resend. Only an acknowledgement that names every mark of the batch takes it off the
// phone. While a batch of a session is out, later taps of that session wait: so they can never overtake it.
(function (root) {
  "use strict";
  const MOST = 500;
  const HOUR = 3600000;
  const DAY = 24 * HOUR;
  const PACK_HOURS = 72;
  const FIRST_WAIT = 2000;
  const LONGEST_WAIT = 300000;
  // Refusals that pass by themselves.
  const PASSING = ["moving", "running"];

  function empty() {
    return { v: 1, count: 0, marks: [], heads: [], sealed: [], told: [], own: {}, tokens: {}, pause: { tries: 0, since: 0, soft: 0, hard: 0 }, login: {}, last: {} };
  }
  function clone(value) { return JSON.parse(JSON.stringify(value)); }
  function group(one) { return one.account + "/" + one.session; }
  function key(one) { return group(one) + "/" + one.entry; }
  function without(list, test) { return list.filter(function (one) { return !test(one); }); }
  function nothing(value) { return value === undefined || value === null; }
  function value(one) {
    return { status: one.status || "", reason: one.reason || "", minutes: nothing(one.minutes) ? null : one.minutes };
  }
  function equal(one, other) {
    const a = value(one), b = value(other);
    return a.status === b.status && a.reason === b.reason && a.minutes === b.minutes;
  }

  // --- Which version a tap was made on ------------------------------------------------------------
  // The page may still show the version from before this phone's own last sending. Versions this phone itself moved on
  // are followed; one that somebody else made is not, and the server answers with a conflict.
  function follow(state, mark) {
    const own = state.own[key(mark)];
    return own && own.from.indexOf(mark.base) >= 0 ? own.to : mark.base;
  }
  function moved(state, mark, to) {
    const own = state.own[key(mark)];
    const from = own && own.to === mark.base ? own.from.concat(mark.base) : [mark.base];
    state.own[key(mark)] = { from: without(from, function (version) { return version === to; }).slice(-20), to: to };
  }

  // --- Taps ----------------------------------------------------------------------------------------
  // sent: {account, session, title, pack, at, heads, marks: [{entry, name, status, reason, minutes, base}]}
  function add(state, sent) {
    const next = clone(state);
    const where = { account: sent.account, session: sent.session };
    const waits = next.marks.concat(next.heads).some(function (one) { return group(one) === group(where); });
    // The oldest pack speaks for all that waits: a fresh download does not make old marks young.
    if (!waits && sent.pack) next.tokens[group(where)] = sent.pack;
    (sent.marks || []).forEach(function (one) {
      put(next, Object.assign({}, where, value(one), { title: sent.title || "", entry: one.entry, name: one.name || "", base: one.base, at: sent.at }));
    });
    if (!nothing(sent.heads)) {
      next.heads = without(next.heads, function (one) { return group(one) === group(where); });
      next.heads.push(Object.assign({}, where, { title: sent.title || "", heads: sent.heads }));
    }
    return next;
  }
  function put(state, mark) {
    const conflict = state.told.find(function (one) { return one.what === "conflict" && key(one) === key(mark); });
    if (conflict && mark.base !== conflict.version) {
      // Tapped on the old value again: still the same question to a person.
      conflict.mine = value(mark);
      return;
    }
    state.told = without(state.told, function (one) { return key(one) === key(mark); });
    state.marks = without(state.marks, function (one) { return key(one) === key(mark); });
    mark.base = follow(state, mark);
    state.marks.push(mark);
  }

  // --- Sending -------------------------------------------------------------------------------------
  function wire(mark) {
    const line = { entry: mark.entry, status: mark.status, base_version: mark.base, marked_at: mark.at };
    if (mark.reason) line.reason = mark.reason;
    if (!nothing(mark.minutes)) line.minutes = mark.minutes;
    return line;
  }
  function seal(state, account, uuid, live) {
    const mine = state.marks.concat(state.heads).filter(function (one) { return one.account === account; });
    const first = mine.find(function (one) {
      return !state.sealed.some(function (batch) { return group(batch) === group(one); });
    });
    if (!first) return null;
    const here = function (one) { return group(one) === group(first); };
    const marks = state.marks.filter(here).slice(0, MOST);
    const heads = state.heads.find(here);
    const body = { batch: uuid, marks: marks.map(wire) };
    if (heads) body.counted_heads = heads.heads;
    if (!live) {
      body.kind = "sync";
      if (state.tokens[group(first)]) body.pack = state.tokens[group(first)];
    }
    const batch = { uuid: uuid, account: account, session: first.session, title: first.title, body: JSON.stringify(body), marks: marks, heads: heads || null };
    state.marks = state.marks.filter(function (one) { return marks.indexOf(one) < 0; });
    state.heads = without(state.heads, here);
    state.sealed.push(batch);
    return batch;
  }
  // Milliseconds until something may be sent; null when nothing waits, or the login must come first.
  // `urgent`: somebody asks, or the network came back. What the server itself asked to wait for is waited for even then.
  function due(state, account, now, options) {
    const ask = options || {};
    const mine = function (one) { return one.account === account; };
    if (!account || (state.login[account] && !ask.signedIn)) return null;
    if (!state.sealed.some(mine) && !state.marks.some(mine) && !state.heads.some(mine)) return null;
    // A clock that was set back since must not stop the phone until it has caught up.
    if (now < state.pause.since) return 0;
    return Math.max(0, Math.max(ask.urgent ? 0 : state.pause.soft, state.pause.hard) - now);
  }
  // The next thing to send, sealed now if need be: {state, send: batch or null, wait: as `due` says}.
  function next(state, account, uuid, now, options) {
    const result = { state: clone(state), send: null, wait: due(state, account, now, options) };
    if (result.wait !== 0) return result;
    const mine = result.state.sealed.filter(function (one) { return one.account === account; });
    const untried = mine.find(function (one) { return !one.later; });
    result.send = untried || seal(result.state, account, uuid, options && options.live) || mine[0];
    return result;
  }

  // --- What the server said ---------------------------------------------------------------------------
  // reply: {status: 0 when nothing came back, data: parsed JSON or null, retryAfter: seconds, login: true when sent to the login page}
  function answer(state, uuid, reply, now, random) {
    const work = clone(state);
    const batch = work.sealed.find(function (one) { return one.uuid === uuid; });
    if (!batch) return { state: work, updates: [], outcome: "known" };
    if (reply.login || (reply.status === 403 && (!reply.data || reply.data.code === "other_account"))) {
      work.login[batch.account] = true;
      return { state: work, updates: [], outcome: "login" };
    }
    // 409 names every mark where all of them wait for a campaign that is over.
    if ((reply.status === 200 || reply.status === 409) && isWhole(batch, reply.data)) return acknowledged(work, batch, reply.data, now);
    const code = reply.data && reply.data.code;
    const passes = PASSING.indexOf(code) >= 0;
    const isFinal = code === "cancelled" || reply.status >= 400 && reply.status < 500 && [408, 409, 425, 429].indexOf(reply.status) < 0 && !passes;
    return isFinal ? refused(work, batch, reply) : putOff(work, batch, reply, now, random);
  }
  // A hotel's welcome page also answers 200.
  function isWhole(batch, data) {
    if (!data || data.batch !== batch.uuid || !Array.isArray(data.marks)) return false;
    const named = data.marks.map(function (one) { return one.entry; });
    return batch.marks.every(function (mark) { return named.indexOf(mark.entry) >= 0; });
  }
  function putOff(work, batch, reply, now, random) {
    work.pause = longer(work.pause, reply, now, random);
    // What one session cannot send must not stop another's.
    batch.later = true;
    if (work.sealed.every(function (one) { return one.later; })) work.sealed.forEach(function (one) { delete one.later; });
    work.sealed = without(work.sealed, function (one) { return one === batch; }).concat(batch);
    return { state: work, updates: [], outcome: reply.status ? "busy" : "offline" };
  }
  // Two hundred phones come back at once: none exactly when the others do.
  function longer(pause, reply, now, random) {
    const most = Math.min(LONGEST_WAIT, FIRST_WAIT * Math.pow(2, Math.min(pause.tries, 10)));
    const asked = reply.retryAfter > 0 ? Math.min(reply.retryAfter * 1000, HOUR) : 0;
    return {
      tries: pause.tries + 1,
      since: now,
      soft: now + Math.round(most * (0.5 + random / 2)),
      hard: asked ? now + Math.round(asked * (1 + random / 5)) : 0,
    };
  }
  // Before anything was sent: the question whose login this is got no answer.
  function postpone(state, reply, now, random) {
    const work = clone(state);
    work.pause = longer(work.pause, reply, now, random);
    return work;
  }
  function lift(work, batch) {
    work.sealed = without(work.sealed, function (one) { return one.uuid === batch.uuid; });
    work.sealed.forEach(function (one) { delete one.later; });
    work.pause = { tries: 0, since: 0, soft: 0, hard: 0 };
  }
  function refused(work, batch, reply) {
    const text = (reply.data && reply.data.error) || (reply.status === 404 ? "这场培训已经不归这个账号登记。" : "服务器不收这一份。");
    lift(work, batch);
    batch.marks.forEach(function (mark) {
      const later = work.marks.some(function (one) { return key(one) === key(mark); });
      if (!later) tell(work, mark, { what: "refused", code: (reply.data && reply.data.code) || String(reply.status), text: text });
    });
    return { state: work, updates: [], outcome: "refused", text: text };
  }
  function acknowledged(work, batch, data, now) {
    lift(work, batch);
    work.last[batch.account] = now;
    const said = {};
    data.marks.forEach(function (one) { said[one.entry] = one; });
    const updates = batch.marks.map(function (mark) { return heard(work, mark, said[mark.entry]); });
    if (!work.marks.concat(work.heads).some(function (one) { return group(one) === group(batch); })) delete work.tokens[group(batch)];
    return { state: work, updates: updates, outcome: "stored", batch: batch.uuid };
  }
  // One mark of an acknowledged batch. `duplicate` names in `code` what became of it the first time.
  function heard(work, mark, line) {
    const now = Object.assign(value(line.value || {}), { version: line.version });
    const again = line.outcome === "duplicate";
    const outcome = again ? line.code : line.outcome;
    const update = Object.assign({ session: mark.session, entry: mark.entry, outcome: outcome }, now);
    if (outcome === "applied") moved(work, mark, again ? mark.base + 1 : line.version);
    else if (equal(now, mark)) moved(work, mark, line.version);
    else if (outcome === "conflict") conflict(work, mark, line, now);
    else if (outcome === "held" || outcome === "rejected") {
      const later = work.marks.some(function (one) { return key(one) === key(mark); });
      if (!later) tell(work, mark, { what: outcome, code: again ? "" : line.code });
    }
    work.marks.forEach(function (one) { if (key(one) === key(mark)) one.base = follow(work, one); });
    return update;
  }
  function conflict(work, mark, line, theirs) {
    const later = work.marks.find(function (one) { return key(one) === key(mark); });
    // What was tapped meanwhile was tapped on the same old value: it is what I say in the same conflict.
    if (later) work.marks = without(work.marks, function (one) { return one === later; });
    tell(work, later || mark, { what: "conflict", code: line.code, theirs: value(theirs), version: theirs.version, by: line.by || "", when: line.at || "" });
  }
  function tell(work, mark, facts) {
    work.told = without(work.told, function (one) { return key(one) === key(mark); });
    work.count += 1;
    const line = { id: work.count, account: mark.account, session: mark.session, title: mark.title, entry: mark.entry, name: mark.name, base: mark.base, at: mark.at, mine: value(mark) };
    work.told.push(Object.assign(line, facts));
  }

  // --- A person decides ----------------------------------------------------------------------------
  // Both ways make a new mark on the version that was shown: what was decided is in the log, and a third value in
  // between comes back as a new conflict. Where nothing is stored, keeping it so needs no mark.
  function settle(state, account, id, choice, now) {
    const work = clone(state);
    const told = work.told.find(function (one) { return one.id === id && one.account === account; });
    if (!told) return work;
    work.told = without(work.told, function (one) { return one === told; });
    if (choice === "drop") return work;
    const base = told.what === "conflict" ? told.version : told.base;
    const wanted = choice === "theirs" ? told.theirs : told.mine;
    if (choice === "theirs" && (!wanted.status || !told.version)) return work;
    put(work, Object.assign({ account: account, session: told.session, title: told.title, entry: told.entry, name: told.name, base: base, at: now }, wanted));
    return work;
  }
  // A page of the server's own asked about these people and takes over.
  function handOver(state, account, session) {
    const work = clone(state);
    work.told = without(work.told, function (one) { return one.account === account && one.session === session && one.what === "conflict"; });
    return work;
  }
  // The account is signed in on this phone, as the server says; or it is not.
  function signedIn(state, account, is) {
    const work = clone(state);
    if (is) delete work.login[account];
    else work.login[account] = true;
    return work;
  }
  // Logged out with nothing left to send.
  function forget(state, account) {
    const work = clone(state);
    work.told = without(work.told, function (one) { return one.account === account; });
    delete work.last[account];
    delete work.login[account];
    return fresh(work, account, null);
  }
  // The page came from the server just now: its versions are true, and nothing need be followed.
  function fresh(state, account, session) {
    const work = clone(state);
    Object.keys(work.own).forEach(function (name) {
      if (name.indexOf(account + "/" + (session === null ? "" : session + "/")) === 0) delete work.own[name];
    });
    return work;
  }

  // --- Looking at it -----------------------------------------------------------------------------------
  function count(state, account) {
    const sums = { waiting: 0, conflict: 0, held: 0, rejected: 0, refused: 0, others: 0, last: state.last[account] || 0, login: Boolean(state.login[account]) };
    const one = function (item, number) { sums[item.account === account ? "waiting" : "others"] += number; };
    state.marks.concat(state.heads).forEach(function (item) { one(item, 1); });
    state.sealed.forEach(function (item) { one(item, item.marks.length + (item.heads ? 1 : 0)); });
    state.told.forEach(function (item) { if (item.account === account) sums[item.what] += 1; });
    return sums;
  }
  // What this phone says of each person of a session and the server may not know yet.
  function waiting(state, account, session) {
    const found = {};
    const here = function (one) { return one.account === account && one.session === session; };
    state.sealed.filter(here).forEach(function (batch) { batch.marks.forEach(function (mark) { found[mark.entry] = mark; }); });
    state.marks.filter(here).forEach(function (mark) { found[mark.entry] = mark; });
    return found;
  }
  function told(state, account) { return state.told.filter(function (one) { return one.account === account; }); }
  // A pack is gone after 72 hours by the phone's clock, or by one that was set back behind its beginning.
  function isOver(pack, now) { return now - pack.saved > PACK_HOURS * HOUR || now < pack.saved - DAY; }

  const core = {
    empty: empty, add: add, next: next, answer: answer, settle: settle, handOver: handOver,
    signedIn: signedIn, fresh: fresh, forget: forget, due: due, postpone: postpone,
    count: count, waiting: waiting, told: told, isOver: isOver,
  };
  if (typeof module !== "undefined" && module.exports) module.exports = core;
  else root.outboxCore = core;
})(typeof self !== "undefined" ? self : this);
