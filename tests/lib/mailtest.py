# SPDX-License-Identifier: ISC
"""Sandboxes, clients of the three protocols and verdicts, for the suites that test running daemons from outside."""
import base64, os, random, re, shlex, shutil, signal, socket, ssl, subprocess, sys, tempfile, time

TOP = os.path.dirname(os.path.dirname(os.path.dirname(os.path.abspath(__file__))))
IS_ROOT = os.getuid() == 0


class Bad(Exception):
    """A test's complaint."""


class Gone(Exception):
    """The connection ended."""


class Skip(Exception):
    """Why a case is not run."""


def want(condition, text):
    if not condition:
        raise Bad(text)


def until(fn, what, seconds=10.0, pause=0.01):
    """What fn answers as soon as it is true."""
    end = time.monotonic() + seconds
    while True:
        got = fn()
        if got:
            return got
        if time.monotonic() > end:
            raise Bad('not within %g s: %s' % (seconds, what))
        time.sleep(pause)


class Report:
    """The suite's options, its seed, its lines and its exit code."""

    def __init__(self, suite):
        self.suite, self.bad = suite, 0
        signal.signal(signal.SIGTERM, lambda *_a: sys.exit(143))  # so that sandboxes end
        if len(sys.argv) < 2:
            sys.exit('usage: check BUILDDIR [--quick|--long] [--only WORD] [--seed N]')
        self.build = os.path.abspath(sys.argv[1])
        self.quick, self.long = '--quick' in sys.argv, '--long' in sys.argv
        self.only = self.option('--only', '')
        self.seed = int(self.option('--seed', random.SystemRandom().randrange(1 << 32)))

    def option(self, name, default):
        return sys.argv[sys.argv.index(name) + 1] if name in sys.argv else default

    def say(self, verdict, name, why=''):
        self.bad += verdict == 'FAIL'
        print('%s %s %s%s' % (verdict, self.suite, name, ' : ' + ' '.join(str(why).split())[:900] if why else ''), flush=True)

    def case(self, name, fn, *args):
        """Run one case; what it returns is told with its PASS."""
        if self.only not in name:
            return
        try:
            self.say('PASS', name, fn(*args) or '')
        except Skip as e:
            self.say('SKIP', name, e)
        except (Bad, Gone, OSError, EOFError, subprocess.SubprocessError) as e:
            at = e.__traceback__
            while at.tb_next and at.tb_next.tb_frame.f_code.co_filename != __file__:
                at = at.tb_next
            self.say('FAIL', name, '%s%s (line %d)' % ('' if isinstance(e, Bad) else type(e).__name__ + ': ', e, at.tb_lineno))

    def end(self):
        sys.exit(1 if self.bad else 0)


class Box:
    """A sandbox of its own; ends with the with-block."""

    def __init__(self, build, users=10, sets=(), before=None):
        self.dir = tempfile.mkdtemp(prefix='restante-test-')
        os.chmod(self.dir, 0o755)
        self.build, self.users, self.sets = build, users, sets
        self.before = before  # called with the folder before the start

    def __enter__(self):
        # tests make the folders that they look at
        cmd = [TOP + '/tools/sandbox', 'start', self.dir, '--users', str(self.users), '--set', 'special_folders=false']
        for s in self.sets:
            cmd += ['--set', s]
        if self.before:
            self.before(self.dir)
        r = subprocess.run(cmd, env=dict(os.environ, RESTANTE_BUILD=self.build), stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True)
        if r.returncode:
            self.__exit__()
            raise Bad('no sandbox: ' + r.stdout.strip()[-300:])
        self.load()
        return self

    def __exit__(self, *exc):
        was_there = os.path.exists(self.dir + '/sandbox.json')
        r = subprocess.run([TOP + '/tools/sandbox', 'stop', self.dir], stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True)
        if os.environ.get('KEEP') is None:
            shutil.rmtree(self.dir, ignore_errors=True)
        else:
            print('kept: ' + self.dir, file=sys.stderr)
        want(not r.returncode or not was_there or (exc and exc[0]), r.stdout.strip()[-900:])

    def load(self):
        self.env = {}
        for line in open(self.dir + '/env'):
            k, _s, v = line.rstrip('\n').partition('=')
            self.env[k] = shlex.split(v)[0] if v else ''
        self.pids = [int(p) for p in self.env['PIDS'].split()]

    def run(self, what):
        """START or STOP."""
        r = subprocess.run(self.env[what].split(), env=dict(os.environ, RESTANTE_BUILD=self.build), stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True)
        want(r.returncode == 0, '%s: %s' % (what, r.stdout[-300:]))
        self.load()

    def maildir(self, user):
        return self.env['MAILDIR'].replace('%u', user)

    def port(self, name):
        return int(self.env[name])

    def members(self):
        """pid -> (daemon, role) of all processes of this sandbox; forked children of a nursery are its sessions."""
        out = {}
        for daemon, pid in zip(('imapd', 'pop3d', 'submitd'), self.pids):
            for child in children(pid):
                role = cmdline(child)
                m = re.search(r'--role (\w+)', role)
                if m:
                    out[child] = (daemon, m.group(1))
                if m and m.group(1) in ('nursery', 'auth'):
                    for c in children(child):
                        out[c] = (daemon, ('session' if daemon != 'submitd' else 'delivery') if m.group(1) == 'nursery' else 'helper')
        return out

    def session(self, user, daemon='imapd'):
        """pid of the session process of a user (as root: by its uid)."""
        uid = os.stat(os.path.dirname(self.maildir(user))).st_uid
        for pid, (d, role) in self.members().items():
            try:
                if d == daemon and role == 'session' and os.stat('/proc/%d' % pid).st_uid in (uid, 0) and status_uid(pid) == uid:
                    return pid
            except OSError:
                pass
        raise Bad('no session process of ' + user)

    def deliver(self, user, text, name, sub='new', folder=''):
        """As an MDA would: into tmp/, then renamed."""
        base = self.maildir(user) + (('/.' + folder) if folder else '')
        tmp = '%s/tmp/%s' % (base, name)
        with open(tmp, 'wb') as f:
            f.write(text)
        self.own(user, tmp)
        os.rename(tmp, '%s/%s/%s' % (base, sub, name))

    def own(self, user, path):
        st = os.stat(os.path.dirname(self.maildir(user)))
        if IS_ROOT:
            os.chown(path, st.st_uid, st.st_gid)

    def log(self, daemon):
        try:
            return open('%s/log/%s.log' % (self.dir, daemon), errors='replace').read()
        except OSError:
            return ''


class Coarse(Box):
    """Daemons with tests/lib/coarse.so in them: file times of grain_ms, or no inotify (1: EMFILE, 2: ENOSPC)."""

    def __init__(self, build, grain_ms, no_inotify, **more):
        Box.__init__(self, build, **more)
        self.extra = {'RESTANTE_PRELOAD': build + '/tests/lib/coarse.so', 'TEST_GRAIN_MS': str(grain_ms)}
        if no_inotify:
            self.extra['TEST_NO_INOTIFY'] = str(no_inotify)
        subprocess.run(['make', '-s', '-C', build, 'tests/lib/coarse.so'], stdout=subprocess.DEVNULL, check=True)

    def __enter__(self):
        os.environ.update(self.extra)
        try:
            return Box.__enter__(self)
        finally:
            for k in self.extra:
                del os.environ[k]


def cmdline(pid):
    try:
        return open('/proc/%d/cmdline' % pid, 'rb').read().replace(b'\0', b' ').decode('ascii', 'replace').strip()
    except OSError:
        return ''


def status_uid(pid):
    return int(re.search(r'^Uid:\s+(\d+)', open('/proc/%d/status' % pid).read(), re.M).group(1))


def children(pid):
    try:
        return [int(x) for x in open('/proc/%d/task/%d/children' % (pid, pid)).read().split()]
    except OSError:
        return []


def pss_kib(pid):
    return int(re.search(r'^Pss:\s+(\d+)', open('/proc/%d/smaps_rollup' % pid).read(), re.M).group(1))


def alive(pid):
    try:
        return open('/proc/%d/stat' % pid).read().rsplit(')', 1)[1].split()[0] != 'Z'
    except OSError:
        return False


def kill9(pid):
    try:
        os.kill(pid, signal.SIGKILL)
        return True
    except ProcessLookupError:
        return False


class Wire:
    """Lines over a socket."""

    def __init__(self, box, port, tls, timeout=30):
        self.box, self.buf = box, b''
        s = socket.create_connection((box.env['HOST'], box.port(port)), timeout=timeout)
        s.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
        self.s = s
        if tls:
            self.wrap()

    def wrap(self):
        ctx = ssl.create_default_context(cafile=self.box.env['CAFILE'])
        try:
            self.s = ctx.wrap_socket(self.s, server_hostname='localhost')
        except (ConnectionError, ssl.SSLError) as e:
            raise Gone('handshake: %s' % e)

    def send(self, data):
        try:
            self.s.sendall(data)
        except (ConnectionError, ssl.SSLError) as e:
            raise Gone('send: %s' % e)

    def fill(self):
        try:
            more = self.s.recv(65536)
        except (ConnectionError, ssl.SSLEOFError, ssl.SSLZeroReturnError) as e:
            raise Gone('recv: %s' % e)
        except (socket.timeout, TimeoutError):
            raise Bad('no answer in time; so far %r' % self.buf[-300:])
        if not more:
            raise Gone('closed; so far %r' % self.buf[-200:])
        self.buf += more

    def line(self):
        while b'\r\n' not in self.buf:
            self.fill()
        x, self.buf = self.buf.split(b'\r\n', 1)
        return x

    def octets(self, n):
        while len(self.buf) < n:
            self.fill()
        x, self.buf = self.buf[:n], self.buf[n:]
        return x

    def pending(self, seconds=0.0):
        """Is there something to read?"""
        if self.buf:
            return True
        old = self.s.gettimeout()
        self.s.settimeout(max(seconds, 0.001))
        try:
            self.fill()
            return True
        except Bad:
            return False
        finally:
            self.s.settimeout(old)

    def close(self):
        try:
            self.s.close()
        except OSError:
            pass


TOKEN = re.compile(rb'"((?:[^"\\]|\\.)*)"|([^\s()"]*\[[^\]]*\](?:<\d+>)?)|([^\s()"]+)|([()])|\s+', re.S)


def parse_data(parts):
    """parts: text and literals in turn -> nested lists of bytes."""
    stack = [[]]
    for k, p in enumerate(parts):
        if k % 2:
            stack[-1].append(p)
            continue
        for m in TOKEN.finditer(p):
            if m.group(4) == b'(':
                stack.append([])
            elif m.group(4) == b')':
                if len(stack) == 1:
                    raise Bad('too many ) in %r' % parts)
                x = stack.pop()
                stack[-1].append(x)
            elif m.group(1) is not None:
                stack[-1].append(re.sub(rb'\\(.)', rb'\1', m.group(1)))
            elif m.group(2) or m.group(3):
                stack[-1].append(m.group(2) or m.group(3))
    if len(stack) > 1:
        raise Bad('missing ) in %r' % parts)
    return stack[0]


class Resp:
    """One response. tag b'*', b'+' or a tag; word in capitals; n: the number before it; code: what stood in []."""

    def __init__(self, parts):
        self.parts = parts
        self.tag, _s, rest = parts[0].partition(b' ')
        self.n, self.code, self.data = None, b'', []
        w, _s, tail = rest.partition(b' ')
        if w.isdigit():
            self.n = int(w)
            w, _s, tail = tail.partition(b' ')
        self.word = w.upper().decode('ascii', 'replace') if self.tag != b'+' else ''
        self.text = tail
        if self.word in ('OK', 'NO', 'BAD', 'BYE', 'PREAUTH'):
            m = re.match(rb'\[([^\]]*)\]', tail)
            self.code = m.group(1) if m else b''
        elif self.tag == b'*':
            self.data = parse_data([tail] + parts[1:])

    def pairs(self):
        """A FETCH's items."""
        d = self.data[0]
        return {d[i].upper(): d[i + 1] for i in range(0, len(d), 2)}

    def __repr__(self):
        return repr(b''.join(self.parts)[:300])


class Imap(Wire):
    def __init__(self, box, user=None, tls=True, timeout=30):
        Wire.__init__(self, box, 'IMAPS' if tls else 'IMAP', tls, timeout)
        self.tags, self.user = 0, user
        self.hook = None  # called with each untagged response
        self.greeting = self.response()
        if user:
            r, _u = self.cmd('LOGIN %s %s' % (user, box.env['PASSWORD']))
            if r.word != 'OK':
                raise Gone('login: %r' % r)

    def response(self):
        parts = [self.line()]
        while True:
            m = re.search(rb'~?\{(\d+)\}$', parts[-1])
            if not m:
                return Resp(parts)
            parts[-1] = parts[-1][:m.start()]
            parts.append(self.octets(int(m.group(1))))
            parts.append(self.line())

    def start(self, *pieces):
        """Send a command, odd pieces literals (LITERAL+); its tag."""
        self.tags += 1
        tag = b't%d' % self.tags
        out = tag + b' '
        for k, p in enumerate(pieces):
            p = p.encode() if isinstance(p, str) else p
            out += b'{%d+}\r\n%s' % (len(p), p) if k % 2 else p
        self.send(out + b'\r\n')
        return tag

    def finish(self, tag):
        un = []
        while True:
            r = self.response()
            if r.tag == tag:
                return r, un
            if r.word == 'BYE':
                raise Gone('%r' % r)
            want(r.tag == b'*', 'strange answer %r' % r)
            un.append(r)
            if self.hook:
                self.hook(r)

    def cmd(self, *pieces):
        return self.finish(self.start(*pieces))

    def ok(self, *pieces):
        r, un = self.cmd(*pieces)
        want(r.word == 'OK', '%r answered %r' % (pieces[0], r))
        return r, un


class Pop(Wire):
    def __init__(self, box, user=None, timeout=30):
        Wire.__init__(self, box, 'POP3S', True, timeout)
        self.greeting = self.line()
        if user:
            for c in ('USER ' + user, 'PASS ' + box.env['PASSWORD']):
                r = self.cmd(c)
                if not r.startswith(b'+OK'):
                    raise Gone('login: %r' % r)

    def cmd(self, text):
        self.send(text.encode() + b'\r\n')
        return self.line()

    def multi(self, text):
        first = self.cmd(text)
        want(first.startswith(b'+OK'), '%s: %r' % (text, first))
        out = []
        while True:
            x = self.line()
            if x == b'.':
                return out
            out.append(x[1:] if x.startswith(b'.') else x)


class Smtp(Wire):
    def __init__(self, box, user=None, timeout=30):
        Wire.__init__(self, box, 'SUBMISSIONS', True, timeout)
        self.greeting = self.reply()
        if self.greeting[0] != 220:
            raise Gone('greeting %r' % (self.greeting,))
        if user:
            self.cmd('EHLO client.test')
            pw = b'\0%s\0%s' % (user.encode(), box.env['PASSWORD'].encode())
            r = self.cmd('AUTH PLAIN ' + base64.b64encode(pw).decode())
            if r[0] != 235:
                raise Gone('login: %r' % (r,))

    def reply(self):
        lines = []
        while True:
            x = self.line()
            lines.append(x[4:])
            if x[3:4] != b'-':
                return int(x[:3]), b'\n'.join(lines)

    def cmd(self, text):
        self.send(text.encode() + b'\r\n')
        return self.reply()

    def submit(self, sender, rcpts, body):
        """The reply to the first command that was refused, or to the dot."""
        for c, good in [('MAIL FROM:<%s>' % sender, 250)] + [('RCPT TO:<%s>' % x, 250) for x in rcpts] + [('DATA', 354)]:
            r = self.cmd(c)
            if r[0] != good:
                return r
        self.send(re.sub(rb'(?m)^\.', b'..', body) + b'.\r\n')
        return self.reply()


def message(mid, to='u0', lines=3, subject='a test', sender='alice'):
    """A whole message with CRLF whose last line proves that it is whole."""
    body = ['line %d of %s' % (k, mid) for k in range(lines)]
    text = ['From: Sender <%s@example.test>' % sender, 'To: %s@example.test' % to, 'Subject: ' + subject,
            'Date: Mon, 2 Mar 2026 10:00:00 +0000', 'Message-ID: <%s@example.test>' % mid, ''] + body + ['end of %s' % mid, '']
    return '\r\n'.join(text).encode()


def mid_of(text):
    m = re.search(rb'(?im)^Message-ID:\s*<([^@>]+)@', text)
    return m.group(1).decode() if m else None
