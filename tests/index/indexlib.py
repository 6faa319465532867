# SPDX-License-Identifier: ISC
"""A mailbox whose truth is known, and looks at it that must not differ, whatever happens to its index."""
import glob, os, random, re, sys, time
sys.dont_write_bytecode = True
sys.path.insert(0, os.path.join(os.path.dirname(os.path.abspath(__file__)), '..', 'lib'))
from mailtest import IS_ROOT, TOP, Bad, Box, Gone, Imap, Report, Skip, kill9, message, until, want  # noqa: F401, for those who import us

N_MESSAGES = 40
FLAGS = [b'\\Seen', b'\\Flagged', b'\\Answered', b'$Label', b'Work']


def arguments(suite):
    """NAME [N] [BUILDDIR] [options] -> the report, and how many cases."""
    args, count = sys.argv[1:], None
    for a in args:
        if a.isdigit() and (args.index(a) == 0 or not args[args.index(a) - 1].startswith('--')):
            count = int(a)
            args.remove(a)
            break
    if not args or args[0].startswith('-'):
        args.insert(0, TOP + '/build/check-gcc')
    sys.argv[1:] = args
    report = Report(suite)
    return report, count or (10000 if report.long else 40 if report.quick else 200)


class User:
    """One client's memory of INBOX: a UID's flags, its message, the modseqs told."""

    def __init__(self, box, name, rnd):
        self.box, self.name, self.rnd = box, name, rnd
        self.flags, self.modseq, self.highest, self.maybe = {}, {}, 0, {}
        self.uidvalidity = None
        self.c = self.login()
        for k in range(N_MESSAGES):
            text = message('m%d' % k, subject='subject %d' % k, lines=k % 7)
            self.c.ok('APPEND INBOX (\\Draft) ', text, '')
        self.c.ok('SELECT INBOX')
        self.flags = {k + 1: frozenset([b'\\Draft']) for k in range(N_MESSAGES)}
        self.look()

    def login(self):
        return Imap(self.box, self.name, tls=False)

    def again(self):
        """A new connection; the session of the old one may be gone with it."""
        self.c.close()
        self.c = until(self.try_login, 'a new session')
        self.look()

    def try_login(self):
        try:
            return self.login()
        except (Gone, OSError):
            return None

    def folder(self):
        return self.box.maildir(self.name) + '/restante/index'

    def files(self):
        return sorted(f for f in glob.glob(self.folder() + '/*') if os.path.isfile(f))

    def change(self):
        """Some flags of some messages, told or, when the session dies of it, perhaps not. Is anything other than before?"""
        uids = self.rnd.sample(sorted(self.flags), self.rnd.randint(1, 9))
        flag, add = self.rnd.choice(FLAGS), self.rnd.random() < .5
        after = {u: (self.flags[u] | {flag}) if add else (self.flags[u] - {flag}) for u in uids}
        self.maybe = after
        _r, un = self.c.ok(b'UID STORE %s %sFLAGS (%s)' % (b','.join(b'%d' % u for u in uids), b'+' if add else b'-', flag))
        news = any(self.flags[u] != after[u] for u in uids)
        self.flags.update(after)
        self.maybe = {}
        for x in un:
            if x.word == 'FETCH':
                self.told(x.pairs(), False)
        return news

    def told(self, p, whole):
        if b'UID' not in p:
            return
        uid = int(p[b'UID'])
        if b'MODSEQ' in p:
            m = int(p[b'MODSEQ'][0])
            want(m >= self.modseq.get(uid, 0), 'UID %d has modseq %d, had %d' % (uid, m, self.modseq.get(uid, 0)))
            self.modseq[uid] = m
        if b'FLAGS' in p:
            got = frozenset(p[b'FLAGS']) - {b'\\Recent'}
            want(got == self.flags[uid] or (whole and got == self.maybe.get(uid)),
                 'UID %d has %s instead of %s' % (uid, sorted(got), sorted(self.flags[uid])))
            self.flags[uid] = got

    def look(self):
        """All that can be asked, against what is known."""
        _r, un = self.c.ok('SELECT INBOX')
        codes = b' '.join(x.code for x in un)
        validity = re.search(rb'UIDVALIDITY (\d+)', codes).group(1)
        want(self.uidvalidity in (None, validity), 'another UIDVALIDITY')
        self.uidvalidity = validity
        m = re.search(rb'HIGHESTMODSEQ (\d+)', codes)
        if m:
            want(int(m.group(1)) >= self.highest, 'HIGHESTMODSEQ %s, was %d' % (m.group(1), self.highest))
            self.highest = int(m.group(1))
        what = '(UID FLAGS ENVELOPE RFC822.SIZE%s)' % (' MODSEQ' if m else '')
        _r, un = self.c.ok('FETCH 1:* ' + what)
        got = [x.pairs() for x in un if x.word == 'FETCH']
        want([int(p[b'UID']) for p in got] == sorted(self.flags), 'UIDs %s' % [p[b'UID'] for p in got])
        for p in got:
            k = int(p[b'UID']) - 1
            want(p[b'ENVELOPE'][1] == b'subject %d' % k and p[b'ENVELOPE'][9] == b'<m%d@example.test>' % k,
                 'UID %d: %s' % (k + 1, p[b'ENVELOPE']))
            size = len(message('m%d' % k, subject='subject %d' % k, lines=k % 7))
            want(int(p[b'RFC822.SIZE']) == size, 'UID %d: size %s, not %d' % (k + 1, p[b'RFC822.SIZE'], size))
            self.told(p, True)
        self.maybe = {}
        k = self.rnd.randrange(N_MESSAGES)
        r, un = self.c.ok('UID SEARCH HEADER Message-ID m%d@' % k)
        want([x.data for x in un if x.word == 'SEARCH'] == [[b'%d' % (k + 1)]], 'SEARCH: %s' % un)

    def until_written(self, before):
        """The index has heard of the last change."""
        until(lambda: state_of(self.folder()) != before, 'a write to the index', 8)


def state_of(folder):
    try:
        with open(folder + '/index.state', 'rb') as f:
            return f.read(88)
    except OSError:
        return b''


def deaths(box):
    return box.log('imapd').count('event="session died"') + box.log('imapd').count('event="session failed"')


def session_gone(box, user):
    """No connection is left and session_linger is 0: the process ends, and has written what it knows."""
    def gone():
        try:
            return box.session(user) is None
        except Bad:
            return True
    until(gone, 'the session process of %s ends' % user, 20)
