# SPDX-License-Identifier: ISC
"""What is measured: a workload is a function of a server that answers the figures of its rows; ROWS says what they are called."""
import base64, os, socket, statistics, time
from peers import PASSWORD, Failed, Sock, Unsupported, family, pss

AGE = 2.3  # after that a folder's time proves that nothing changed
ENVELOPE = 'FETCH 1:* (ENVELOPE BODYSTRUCTURE RFC822.SIZE INTERNALDATE)'
THUNDERBIRD = ('FETCH 1:* (UID RFC822.SIZE FLAGS BODY.PEEK[HEADER.FIELDS (From To Cc Bcc Subject Date Message-ID Priority X-Priority '
               'References Newsgroups In-Reply-To Content-Type Reply-To)])')
HIGHER, LOWER = 1, -1


class Bench:
    """What the workloads share: how much of each, and where the messages lie."""

    def __init__(self, seeds, names, scale, users):
        self.seeds, self.names, self.scale, self.users = seeds, names, scale, users

    def times(self, n):
        """So many, less in a short run."""
        return max(2, int(n * self.scale))

    def ms(self, n):
        return max(100, int(n * self.scale))

    def seeded(self, s, n):
        """The user with n messages, looked at once and then left alone until its stamps are old."""
        user = 'n%d' % n
        if s.boxes.get(user) != n:
            s.fresh(user, self.seeds, self.names[:n])
            t = s.selected(user)
            t.close()
            s.boxes[user] = n
            self.rest()
        return user

    def touched(self, s, n):
        """It is no longer as it was."""
        s.boxes.pop('n%d' % n, None)

    def rest(self):
        if self.scale >= .1:
            time.sleep(AGE)


def median_of(n, fn):
    return statistics.median(fn() for _i in range(n))


# --- login, NOOP ---------------------------------------------------------------
def logins(s, b, clients, tls):
    s.warm_up(min(50, b.users))
    rate, late = s.crowd('logins', clients, b.ms(3000), min(50, b.users), PASSWORD, tls=tls)
    return {'rate': rate, 'late': late}


def noops(s, b, tls):
    t = s.selected('u0', tls)
    n = b.times(3000)
    us = t.imap('NOOP', n) / n * 1e6
    t.close()
    return {'us': us}


# --- SELECT and folders --------------------------------------------------------
def opened_anew(s, user):
    s.end_sessions(user)
    t = s.login(user)
    ms = t.imap('SELECT INBOX') * 1e3
    t.close()
    return ms


def opened_again(s, user):
    t = s.login(user)
    ms = t.imap('SELECT INBOX') * 1e3
    t.close()
    return ms


def status(s, user):
    t = s.login(user)
    ms = t.imap('STATUS INBOX (MESSAGES RECENT UNSEEN UIDNEXT UIDVALIDITY)') * 1e3
    t.close()
    return ms


def selects(s, b, n):
    user = 'n%d' % n
    s.fresh(user, b.seeds, b.names[:n])
    out = {'first': opened_anew(s, user)}
    b.rest()
    out['cold'] = median_of(2, lambda: (s.cold(user), opened_anew(s, user))[1])
    s.boxes[user] = n
    b.rest()
    opened_again(s, user)
    out['unchanged'] = median_of(5, lambda: opened_anew(s, user))
    out['again'] = median_of(5, lambda: opened_again(s, user))
    out['status'] = median_of(5, lambda: status(s, user))
    t = s.selected(user)
    delivered, after, noop = [], [], []
    for _i in range(5 if n < 100000 else 3):
        t.imap('UNSELECT')
        s.deliver(user)
        delivered.append(t.imap('SELECT INBOX') * 1e3)
        t.imap('UNSELECT')
        after.append(t.imap('SELECT INBOX') * 1e3)
        s.deliver(user)
        noop.append(t.imap('NOOP') * 1e3)
    t.close()
    b.touched(s, n)
    out.update(delivered=statistics.median(delivered), after=statistics.median(after), noop=statistics.median(noop))
    return out


def folders(s, b):
    """LIST and STATUS with 2000 folders of two messages."""
    n = b.times(2000)
    if s.boxes.get('folders') != n:
        s.wipe('folders')
        s.make_box('folders')
        for k in range(n):
            s.make_box('folders', 'f%d' % k)
            for name in b.names[k % 100:k % 100 + 2]:
                os.link('%s/m/%s' % (b.seeds, name), '%s/.f%d/cur/%s' % (s.box('folders'), k, name))
        s.boxes['folders'] = n
        t = s.login('folders')
        t.imap('LIST "" "*" RETURN (STATUS (MESSAGES UNSEEN UIDNEXT))')
        t.close()
        b.rest()
    t = s.login('folders')
    out = {'list': median_of(3, lambda: t.imap('LIST "" "*"') * 1e3)}
    out['liststatus'] = median_of(3, lambda: t.imap('LIST "" "*" RETURN (STATUS (MESSAGES UNSEEN UIDNEXT))') * 1e3)
    out['status'] = median_of(3, lambda: t.imap('STATUS f%d (MESSAGES UNSEEN UIDNEXT)', min(n - 1, 200)) * 1e3)
    t.close()
    return out


# --- FETCH ---------------------------------------------------------------------
def cold_and_warm(s, user, what):
    s.cold(user)
    t = s.selected(user)
    cold = t.imap(what) * 1e3
    t.close()
    return cold, warm(s, user, what)


def warm(s, user, what):
    """By a process that did not compute it."""
    s.end_sessions(user)
    t = s.selected(user)
    ms = t.imap(what) * 1e3
    t.close()
    return ms


def fetches(s, b, n):
    user = b.seeded(s, n)
    t = s.selected(user)
    out = {'flags': median_of(3, lambda: t.imap('FETCH 1:* (FLAGS UID)') * 1e3)}
    t.close()
    s.fresh(user, b.seeds, b.names[:n])  # the list of UIDs keeps sizes, too
    t = s.selected(user)
    out['size'] = t.imap('FETCH 1:* (RFC822.SIZE)') * 1e3
    t.close()
    s.boxes[user] = n
    b.rest()
    out['env'], out['envwarm'] = cold_and_warm(s, user, ENVELOPE)
    out['head'], out['headwarm'] = cold_and_warm(s, user, THUNDERBIRD)
    return out


def changedsince(s, b, n):
    s.capable('CONDSTORE')
    user = b.seeded(s, n)
    c = Sock(s, user)
    told = c.ask('SELECT INBOX (CONDSTORE)')
    c.close()
    modseq = int(told.split('HIGHESTMODSEQ ')[1].split(']')[0])
    t = s.login(user)
    t.imap('SELECT INBOX (CONDSTORE)')
    out = {'none': median_of(5, lambda: t.imap('FETCH 1:* (FLAGS) (CHANGEDSINCE %d)' % modseq) * 1e3)}
    t.close()
    return out


# --- bodies --------------------------------------------------------------------
def mbs(t, what):
    seconds = t.imap(what)
    return t.bytes / seconds / 1e6


def bodies(s, b, n):
    user = b.seeded(s, n)
    s.cold(user)
    t = s.selected(user)
    out = {'first': mbs(t, 'FETCH 1:* BODY.PEEK[]'), 'again': mbs(t, 'FETCH 1:* BODY.PEEK[]')}
    t.close()
    t = s.selected(user, True)
    out['tls'] = mbs(t, 'FETCH 1:* BODY.PEEK[]')
    t.close()
    return out


def single(s, b, n):
    user = b.seeded(s, n)
    t = s.selected(user)
    k = min(b.times(1000), n)
    for what in ('BODY.PEEK[]', 'BODY.PEEK[1]'):
        t.imap('FETCH %d ' + what, k)  # what is kept is kept
    out = {'one': t.imap('FETCH %d BODY.PEEK[]', k) / k * 1e6}
    out['head'] = t.imap('FETCH %d BODY.PEEK[]<0.2048>', k) / k * 1e6
    out['part'] = t.imap('FETCH %d BODY.PEEK[1]', k) / k * 1e6
    out['sixteen'] = t.imap('FETCH %d BODY.PEEK[]', k, 16) / k * 1e6
    t.close()
    return out


def partial(s, b):
    """One message of 40 MB, a MiB at a time."""
    size = 40 if b.scale >= .5 else 4
    if s.boxes.get('big') != size:
        s.wipe('big')
        s.make_box('big')
        s.deliver('big', b'Subject: big\n\n' + (b'x' * 75 + b'\n') * (size * 1000000 // 76))
        s.boxes['big'] = size
    t = s.selected('big')
    times, octets = [], 0
    for k in range(size):
        times.append(t.imap('FETCH 1 BODY.PEEK[]<%d.1048576>' % (k << 20)))
        octets += t.bytes
    t.close()
    q = max(1, size // 4)
    return {'rate': octets / sum(times) / 1e6, 'growth': sum(times[-q - 1:-1]) / sum(times[1:q + 1])}


# --- changes -------------------------------------------------------------------
def stores(s, b, n):
    user = b.seeded(s, n)
    t = s.selected(user)
    k = b.times(100)
    out = {'one': t.imap('STORE %d %%sFLAGS.SILENT (\\Flagged)' % (n // 2), k) / k * 1e6}
    t.imap('STORE 1:* -FLAGS.SILENT (\\Seen)')
    out['all'] = t.imap('STORE 1:* +FLAGS (\\Seen)') * 1e3
    t.close()
    b.touched(s, n)
    return out


def removals(s, b, n):
    """COPY, MOVE, mark and EXPUNGE all."""
    user = 'n%d' % n
    s.fresh(user, b.seeds, b.names[:n])
    t = s.selected(user)
    t.imap('FETCH 1:* (FLAGS RFC822.SIZE)')  # as every client does first
    t.imap('CREATE copied')
    t.imap('CREATE moved')
    out = {'copy': t.imap('COPY 1:* copied') * 1e3, 'move': t.imap('MOVE 1:* moved') * 1e3}
    t.imap('SELECT copied')
    out['deleted'] = t.imap('STORE 1:* +FLAGS.SILENT (\\Deleted)') * 1e3
    out['expunge'] = t.imap('EXPUNGE') * 1e3
    t.close()
    b.touched(s, n)
    return out


def appends(s, b):
    s.wipe('append')
    s.make_box('append')
    t = s.login('append')
    t.append('INBOX', 2, 8192)
    n = b.times(300)
    out = {'one': n / t.append('INBOX', n, 8192), 'plus': n / t.append('INBOX', n, 8192, False)}
    n = b.times(60)
    out['mib'] = n / t.append('INBOX', n, 1 << 20)
    t.close()
    out['ten'], out['late'] = s.crowd('appends', 10, b.ms(3000), 8192, 'append', PASSWORD, 'INBOX')
    out['tenmib'] = s.crowd('appends', 10, b.ms(3000), 1 << 20, 'append', PASSWORD, 'INBOX')[0]
    return out


def multiappend(s, b):
    s.capable('MULTIAPPEND')
    s.wipe('append')
    s.make_box('append')
    t = s.login('append')
    n = b.times(10)
    out = {'rate': n * 50 / t.append('INBOX', n, 8192, False, 50)}
    t.close()
    return out


# --- SEARCH, SORT, THREAD ------------------------------------------------------
def searches(s, b, n):
    user = b.seeded(s, n)

    def both(what):
        s.cold(user)
        t = s.selected(user)
        cold = t.imap(what) * 1e3
        t.close()
        s.end_sessions(user)
        t = s.selected(user)
        again = [t.imap(what) * 1e3 for _i in range(3)]
        t.close()
        return cold, statistics.median(again)
    out = {}
    out['subject'], out['subjectwarm'] = both('SEARCH HEADER SUBJECT invoice')
    t = s.selected(user)
    t.imap('SEARCH FROM nobody-at-all')
    t.imap('SEARCH SENTSINCE 1-Jan-2024')
    out['from'] = median_of(3, lambda: t.imap('SEARCH FROM petrova') * 1e3)
    out['unseen'] = median_of(3, lambda: t.imap('SEARCH UNSEEN') * 1e3)
    out['since'] = median_of(3, lambda: t.imap('SEARCH SENTSINCE 1-Jan-2024') * 1e3)
    out['body'] = t.imap('SEARCH BODY zyzzogeton') * 1e3
    out['text'] = t.imap('SEARCH TEXT zyzzogeton') * 1e3
    t.close()
    for key, word, what in (('sort', 'SORT', 'SORT (REVERSE DATE) UTF-8 ALL'), ('thread', 'THREAD=REFERENCES', 'THREAD REFERENCES UTF-8 ALL')):
        s.capable(word)
        out[key], out[key + 'warm'] = both(what)
    t = s.selected(user)
    t.imap('SORT (SUBJECT) UTF-8 ALL')
    out['sortsubject'] = median_of(3, lambda: t.imap('SORT (SUBJECT) UTF-8 ALL') * 1e3)
    t.close()
    return out


# --- POP3 ----------------------------------------------------------------------
def pop3(s, b, n):
    user = 'n%d' % n
    s.fresh(user, b.seeds, b.names[:n])
    b.touched(s, n)
    t, first = s.popper(user)
    t.pop('QUIT')
    t.close()
    b.rest()
    out = {'first': first * 1e3}
    times = []
    for _i in range(5):
        t, seconds = s.popper(user)
        times.append(seconds * 1e3)
        t.pop('QUIT')
        t.close()
    out['warm'] = statistics.median(times)
    t, _s = s.popper(user)
    out['uidl'] = median_of(3, lambda: t.pop('UIDL', True) * 1e3)
    out['list'] = median_of(3, lambda: t.pop('LIST', True) * 1e3)
    k = min(n, b.times(1000))
    seconds = t.pop('RETR %d', True, k, 16)
    out['many'] = t.bytes / seconds / 1e6
    out['retr'] = t.pop('RETR %d', True, k) / k * 1e6
    out['top'] = t.pop('TOP %d 0', True, n, 16) * 1e3
    out['dele'] = t.pop('DELE %d', False, n, 16) * 1e3
    out['quit'] = t.pop('QUIT') * 1e3
    t.close()
    return out


# --- notice and memory ---------------------------------------------------------
class Idlers:
    """Five clients that wait in IDLE, and one that acts; how long until the last has heard."""

    def __init__(self, s, b):
        s.wipe('idle')
        self.s, self.box, self.n = s, s.make_box('idle'), b.times(20 if s.name == 'Restante' else 8)
        self.count = 0
        self.other = Sock(s, 'idle', True)
        self.other.ask('SELECT INBOX')
        self.idle = [Sock(s, 'idle', True) for _i in range(5)]
        for c in self.idle:
            c.ask('SELECT INBOX')
            c.send('i IDLE\r\n')
            c.until(rb'\+')

    def quiet(self):
        """All that was on its way has arrived."""
        self.other.ask('NOOP')
        time.sleep(1.5 if self.s.name != 'Restante' else 0.1)  # Dovecot may not see a second change of one second
        for c in self.idle:
            c.drain()

    def deliver(self):
        self.count += 1
        self.s.deliver('idle')
        return rb'\* %d EXISTS' % self.count

    def append(self):
        self.count += 1
        self.other.ask('APPEND INBOX {5+}\r\nA: b\n')
        self.since = time.monotonic()
        return rb'\* %d EXISTS' % self.count

    def rename(self):
        """One file, whose own flags change each time."""
        cur = self.box + '/cur/'
        old = min(os.listdir(cur))
        base, _c, flags = old.partition(':2,')
        os.rename(cur + old, cur + base + ':2,' + ('' if 'F' in flags else 'F'))
        return rb'\* \d+ FETCH'

    def remove(self):
        os.unlink(self.box + '/cur/' + min(os.listdir(self.box + '/cur')))
        return rb'\* \d+ EXPUNGE'

    def measure(self, how):
        out = []
        for _i in range(self.n):
            time.sleep(0.05)
            self.since = time.monotonic()
            line = how()
            for c in self.idle:
                c.until(line)
            out.append((time.monotonic() - self.since) * 1e3)
            if self.s.name != 'Restante':
                self.quiet()  # it gathers what follows
        return statistics.median(out), max(out)


def idling(s, b):
    i = Idlers(s, b)
    out = {}
    out['file'], out['fileworst'] = i.measure(i.deliver)
    out['append'] = i.measure(i.append)[0]
    i.other.ask('STORE 1:* +FLAGS.SILENT (\\Seen)')  # all are in cur/ then
    i.quiet()
    out['flags'], out['flagsworst'] = i.measure(i.rename)
    i.quiet()
    out['gone'] = i.measure(i.remove)[0]
    s.hang_up()
    return out


def memory(s, b, tls, n):
    """KiB for each of n users in IDLE, once they have rested."""
    n = min(n, b.users)
    ours = s.pids.get('imapd') or s.pids['dovecot']
    base = pss(family([ours]))
    conns = []
    for k in range(n):
        c = Sock(s, 'u%d' % k, tls)
        conns.append(c)
        c.ask('SELECT INBOX')
        c.send('i IDLE\r\n')
        c.until(rb'\+')
    time.sleep(5 if b.scale >= .1 else .5)
    pids = family([ours])
    out = {'kib': (pss(pids) - base) / n, 'processes': len(pids)}
    s.hang_up()
    return out


# --- submission ----------------------------------------------------------------
class Sender:
    """A client that keeps its connection and pipelines an envelope."""

    def __init__(self, s, user):
        e = s.env
        raw = socket.create_connection(('127.0.0.1', int(e['SUBMISSIONS'])), timeout=60)
        self.s = s.context.wrap_socket(raw, server_hostname='localhost')
        self.s.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
        self.f = self.s.makefile('rb')
        self.me = b'%s@%s' % (user.encode(), e['DOMAIN'].encode())
        self.to = b'%s@%s' % (e['USER2'].encode(), e['DOMAIN'].encode())
        self.reply()
        secret = base64.b64encode(b'\0%s\0%s' % (user.encode(), PASSWORD.encode()))
        for line in (b'EHLO bench', b'AUTH PLAIN ' + secret):
            self.s.sendall(line + b'\r\n')
            self.reply()

    def reply(self):
        while True:
            line = self.f.readline()
            if line[3:4] != b'-':
                if line[:1] not in (b'2', b'3'):
                    raise Failed('submission: %r' % line)
                return

    def envelope(self):
        self.s.sendall(b'MAIL FROM:<%s>\r\nRCPT TO:<%s>\r\nDATA\r\n' % (self.me, self.to))

    def text(self):
        for _i in range(3):
            self.reply()
        self.s.sendall(b'From: <%s>\r\nSubject: a\r\n\r\n' % self.me + (b'y' * 78 + b'\r\n') * 102 + b'.\r\n')

    def close(self):
        self.f.close()
        self.s.close()


def submissions(s, b, n):
    if s.name != 'Restante':
        raise Unsupported('no relay here')
    clients = [Sender(s, 'u%d' % i) for i in range(min(n, b.users))]
    count, t0, seconds = 0, time.monotonic(), b.ms(3000) / 1e3
    while time.monotonic() - t0 < seconds:
        for step in (Sender.envelope, Sender.text, Sender.reply):
            for c in clients:
                step(c)
        count += len(clients)
    rate = count / (time.monotonic() - t0)
    for c in clients:
        c.close()
    return {'rate': rate}


# --- the rows ------------------------------------------------------------------
class Workload:
    """rows: key of the answer, name, unit, which way is better, what is aimed at (times the best peer; None: nothing)."""

    def __init__(self, group, fn, args, rows, limit=120):
        self.group, self.fn, self.args, self.rows, self.limit = group, fn, args, rows, limit


def size_word(n):
    return '%dk' % (n // 1000) if n >= 1000 else str(n)


def by_size(n, small, middle, large):
    return small if n <= 1000 else middle if n <= 10000 else large


def sized(n):
    k, slow = size_word(n) + ' ', 60 + n // 100
    yield Workload('select', selects, (n,), (
        ('first', k + 'SELECT, first ever', 'ms', LOWER, 1), ('cold', k + 'SELECT, index deleted', 'ms', LOWER, 1),
        ('unchanged', k + 'SELECT, unchanged, new process', 'ms', LOWER, 2), ('again', k + 'SELECT, unchanged, again', 'ms', LOWER, 2),
        ('after', k + 'SELECT within 2 s of a change', 'ms', LOWER, by_size(n, 3, 5, 10)),
        ('delivered', k + 'SELECT after one new file', 'ms', LOWER, by_size(n, 3, 5, 20)),
        ('noop', k + 'NOOP after one new file', 'ms', LOWER, by_size(n, 1.5, 2, 10)),
        ('status', k + 'STATUS INBOX', 'ms', LOWER, 2)), slow)
    yield Workload('fetch', fetches, (n,), (
        ('flags', k + 'FETCH FLAGS UID', 'ms', LOWER, 2), ('size', k + 'RFC822.SIZE, never read before', 'ms', LOWER, 2),
        ('env', k + 'ENVELOPE BODYSTRUCTURE SIZE DATE, cold', 'ms', LOWER, 2), ('envwarm', k + 'ENVELOPE BODYSTRUCTURE SIZE DATE, warm', 'ms', LOWER, 8),
        ('head', k + 'Thunderbird header set, cold', 'ms', LOWER, 2), ('headwarm', k + 'Thunderbird header set, warm', 'ms', LOWER, 3)), slow)
    yield Workload('fetch', changedsince, (n,), (('none', k + 'CHANGEDSINCE, nothing changed', 'ms', LOWER, 1),), slow)
    yield Workload('store', stores, (n,), (
        ('all', k + 'STORE 1:* +FLAGS (\\Seen)', 'ms', LOWER, 1.2), ('one', k + 'STORE of one message', 'us', LOWER, by_size(n, 2, 2, 20))), slow)
    yield Workload('copy', removals, (n,), (
        ('copy', k + 'COPY all', 'ms', LOWER, 2), ('move', k + 'MOVE all', 'ms', LOWER, 2),
        ('deleted', k + 'STORE all +FLAGS.SILENT (\\Deleted)', 'ms', LOWER, 1.2), ('expunge', k + 'EXPUNGE all', 'ms', LOWER, 1.2)), slow)
    yield Workload('search', searches, (n,), (
        ('unseen', k + 'SEARCH UNSEEN', 'ms', LOWER, 1.5), ('since', k + 'SEARCH SENTSINCE', 'ms', LOWER, 2),
        ('subject', k + 'SEARCH HEADER SUBJECT, cold', 'ms', LOWER, 2), ('subjectwarm', k + 'SEARCH HEADER SUBJECT, warm', 'ms', LOWER, 3),
        ('from', k + 'SEARCH FROM, warm', 'ms', LOWER, 3), ('body', k + 'SEARCH BODY, no hit', 'ms', LOWER, 6), ('text', k + 'SEARCH TEXT, no hit', 'ms', LOWER, 6),
        ('sort', k + 'SORT (REVERSE DATE), cold', 'ms', LOWER, 2), ('sortwarm', k + 'SORT (REVERSE DATE), warm', 'ms', LOWER, 2),
        ('sortsubject', k + 'SORT (SUBJECT), warm', 'ms', LOWER, 1), ('thread', k + 'THREAD REFERENCES, cold', 'ms', LOWER, 2),
        ('threadwarm', k + 'THREAD REFERENCES, warm', 'ms', LOWER, 1.5)), 2 * slow)
    yield Workload('pop3', pop3, (n,), (
        ('first', k + 'POP3 login and STAT, first ever', 'ms', LOWER, 2), ('warm', k + 'POP3 login and STAT, warm', 'ms', LOWER, 5),
        ('uidl', k + 'POP3 UIDL', 'ms', LOWER, 2), ('list', k + 'POP3 LIST', 'ms', LOWER, 1), ('many', k + 'POP3 RETR, 16 pipelined', 'MB/s', HIGHER, 2.5),
        ('retr', k + 'POP3 RETR one by one', 'us', LOWER, 2), ('top', k + 'POP3 TOP all', 'ms', LOWER, 3), ('dele', k + 'POP3 DELE all', 'ms', LOWER, 1),
        ('quit', k + 'POP3 QUIT after DELE all', 'ms', LOWER, 1.2)), slow)
    yield Workload('bodies', bodies, (n,), (
        ('first', k + 'all bodies, first pass', 'MB/s', HIGHER, 2), ('again', k + 'all bodies again', 'MB/s', HIGHER, 2),
        ('tls', k + 'all bodies over TLS', 'MB/s', HIGHER, 3)), slow)


def workloads(sizes):
    for tls in (False, True):
        for n in (1, 10, 50):
            what = 'login + logout, %s, %d client%s' % ('TLS 1.3' if tls else 'plain', n, 's' if n > 1 else '')
            yield Workload('login', logins, (n, tls), (('rate', what, '/s', HIGHER, 2),) + ((
                ('late', what + ', 99 %', 'ms', LOWER, 2),) if n == 50 else ()))
    for tls, aim in ((False, 1.4), (True, 2)):
        yield Workload('noop', noops, (tls,), (('us', 'NOOP' + (' over TLS' if tls else ''), 'us', LOWER, aim),))
    for n in sizes:
        yield from sized(n)
    n = sorted(sizes)[min(1, len(sizes) - 1)]
    yield Workload('single', single, (n,), (
        ('one', 'one message per command', 'us', LOWER, 1.5), ('head', 'BODY.PEEK[]<0.2048>', 'us', LOWER, 1.5),
        ('part', 'BODY.PEEK[1]', 'us', LOWER, 2.5), ('sixteen', '16 pipelined, each', 'us', LOWER, 2)))
    yield Workload('partial', partial, (), (
        ('rate', '40 MB, a MiB per command', 'MB/s', HIGHER, 1), ('growth', '40 MB, time of the last quarter beside the first', 'times', LOWER, None)))
    yield Workload('folders', folders, (), (
        ('list', 'LIST of 2000 folders', 'ms', LOWER, 4), ('status', 'STATUS of 200 folders, one by one', 'ms', LOWER, 3),
        ('liststatus', 'LIST RETURN (STATUS), 2000', 'ms', LOWER, 3)))
    yield Workload('append', appends, (), (
        ('one', 'APPEND 8 KiB, 1 connection', '/s', HIGHER, 2.5), ('plus', 'APPEND 8 KiB, LITERAL+', '/s', HIGHER, 2.5),
        ('ten', 'APPEND 8 KiB, 10 connections', '/s', HIGHER, 5), ('late', 'APPEND 8 KiB, 10 connections, 99 %', 'ms', LOWER, 4),
        ('mib', 'APPEND 1 MiB, 1 connection', '/s', HIGHER, 1.5), ('tenmib', 'APPEND 1 MiB, 10 connections', '/s', HIGHER, 2)))
    yield Workload('append', multiappend, (), (('rate', 'APPEND 8 KiB, MULTIAPPEND of 50', '/s', HIGHER, 4),))
    for n in (1, 10):
        yield Workload('submission', submissions, (n,), (('rate', 'submission 8 KiB, %d client%s, kept connections' % (n, 's' if n > 1 else ''), '/s', HIGHER, None),))
    yield Workload('notify', idling, (), (
        ('file', 'delivery to EXISTS in IDLE', 'ms', LOWER, 50), ('fileworst', 'delivery to EXISTS in IDLE, worst', 'ms', LOWER, 20),
        ('append', 'APPEND of another connection to EXISTS', 'ms', LOWER, 100), ('flags', 'flags by a program to FETCH', 'ms', LOWER, 50),
        ('flagsworst', 'flags by a program to FETCH, worst', 'ms', LOWER, None), ('gone', 'deletion by a program to EXPUNGE', 'ms', LOWER, None)))
    for tls in (False, True):
        yield Workload('memory', memory, (tls, 1000), (
            ('kib', 'PSS of an idle connection, 1000 %s' % ('TLS' if tls else 'plain'), 'KiB', LOWER, 1),
            ('processes', 'processes for 1000 %s' % ('TLS' if tls else 'plain'), '', LOWER, None)), 240)
