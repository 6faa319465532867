# SPDX-License-Identifier: ISC
"""The servers that are measured, each with a folder of its own, and what a workload does to them and with them."""
import glob, os, pwd, re, shlex, shutil, signal, socket, ssl, subprocess, time

TOP = os.path.dirname(os.path.dirname(os.path.dirname(os.path.abspath(__file__))))
PASSWORD = 'secret'


class Unsupported(Exception):
    """The server does not offer what the row measures."""


class Failed(Exception):
    """A client was not served."""


def free_ports(n):
    held = [socket.socket() for _i in range(n)]
    for s in held:
        s.bind(('127.0.0.1', 0))
    ports = [s.getsockname()[1] for s in held]
    for s in held:
        s.close()
    return ports


def family(pids):
    """The processes and all below them."""
    todo, out = list(pids), []
    while todo:
        p = todo.pop()
        out.append(p)
        try:
            for t in os.listdir('/proc/%d/task' % p):
                todo += map(int, open('/proc/%d/task/%s/children' % (p, t)).read().split())
        except OSError:
            pass
    return out


def pss(pids):
    """KiB."""
    total = 0
    for p in pids:
        try:
            total += int(re.search(r'^Pss: +(\d+)', open('/proc/%d/smaps_rollup' % p).read(), re.M).group(1))
        except (OSError, AttributeError):
            pass
    return total


def uid_of(pid):
    return int(re.search(r'^Uid:\s+(\d+)', open('/proc/%d/status' % pid).read(), re.M).group(1))


class Talk:
    """A connection of mailload."""

    def __init__(self, server, port, tls, hello):
        self.server = server
        self.p = subprocess.Popen([server.mailload, 'talk', str(port), server.ca if tls else '-'], stdin=subprocess.PIPE,
                                  stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True, bufsize=1)
        server.talks.append(self)
        self.opened = self.line('open ' + hello)[0]

    def line(self, text):
        """(seconds, bytes)"""
        try:
            self.p.stdin.write(text + '\n')
            got = self.p.stdout.readline().split()
        except BrokenPipeError:
            got = None
        if not got:
            self.p.wait()
            raise Failed('%s: %s: %s' % (self.server.name, text[:60], self.p.stderr.read().strip()[-300:]))
        return int(got[0]) / 1e9, int(got[1])

    def imap(self, text, n=1, depth=1):
        """Seconds for n of them; the bytes of the last are in .bytes."""
        s, self.bytes = self.line('imap %d %d %s' % (n, depth, text))
        return s

    def pop(self, text, multi=False, n=1, depth=1):
        s, self.bytes = self.line('pop %d %d %d %s' % (n, depth, multi, text))
        return s

    def append(self, mailbox, n, size, sync=True, multi=1):
        return self.line('append %d %d %d %d %s' % (n, size, sync, multi, mailbox))[0]

    def close(self):
        self.p.kill()
        self.p.wait()
        for f in (self.p.stdin, self.p.stdout, self.p.stderr):
            f.close()
        if self in self.server.talks:
            self.server.talks.remove(self)


class Sock:
    """A connection of our own, for what is not timed to the microsecond."""

    wait = 20  # seconds

    def __init__(self, server, user, tls=False):
        self.s = socket.create_connection(('127.0.0.1', server.imaps if tls else server.imap), timeout=self.wait)
        self.s.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
        if tls:
            self.s = server.context.wrap_socket(self.s, server_hostname='localhost')
        self.rest = b''
        server.talks.append(self)
        self.server = server
        self.until(rb'\* OK')
        self.ask('LOGIN %s %s' % (user, PASSWORD))

    def until(self, pattern):
        """All up to the first line that begins so."""
        got, begin = b'', re.compile(rb'^' + pattern + rb'[^\n]*\n', re.M)
        while True:
            m = begin.search(self.rest)
            if m:
                got, self.rest = self.rest[:m.end()], self.rest[m.end():]
                return got
            x = self.s.recv(1 << 18)
            if not x:
                raise Failed('%s: closed after %r' % (self.server.name, self.rest[-200:]))
            self.rest += x

    def send(self, text):
        self.s.sendall(text.encode() if isinstance(text, str) else text)

    def ask(self, text):
        self.send('t ' + text + '\r\n')
        got = self.until(rb't (?:OK|NO|BAD)')
        if not re.search(rb'^t OK[^\n]*\n\Z', got, re.M):
            raise Failed('%s: %s: %s' % (self.server.name, text, got[-200:]))
        return got.decode('latin-1')

    def drain(self):
        """Forget what has come meanwhile."""
        self.s.settimeout(0.01)
        try:
            while self.s.recv(1 << 18):
                pass
        except (TimeoutError, BlockingIOError, ssl.SSLWantReadError):
            pass
        self.s.settimeout(self.wait)
        self.rest = b''

    def close(self):
        self.s.close()
        if self in self.server.talks:
            self.server.talks.remove(self)


class Server:
    """What all have; talks: the connections that a workload opened."""

    def __init__(self, name, folder, mailload):
        self.name, self.dir, self.mailload, self.talks, self.boxes = name, folder, mailload, [], {}
        self.log = None

    def secure(self, ca):
        self.ca, self.context = ca, ssl.create_default_context(cafile=ca)

    def home(self, user):
        return '%s/mail/%s' % (self.dir, user)

    def box(self, user):
        return self.home(user) + '/Maildir'

    def login(self, user, tls=False):
        t = Talk(self, self.imaps if tls else self.imap, tls, '* OK')
        t.imap('LOGIN %s %s' % (user, PASSWORD))
        return t

    def selected(self, user, tls=False):
        t = self.login(user, tls)
        t.imap('SELECT INBOX')
        return t

    def popper(self, user):
        """A POP3 session and the seconds until STAT was answered."""
        t = Talk(self, self.pop3, False, '+OK')
        return t, t.opened + t.pop('USER ' + user) + t.pop('PASS ' + PASSWORD) + t.pop('STAT')

    def crowd(self, what, clients, ms, *more, tls=False):
        """(a second, 99th percentile in ms) of a load with many connections."""
        p = subprocess.Popen([self.mailload, what, str(self.imaps if tls else self.imap), self.ca if tls else '-', str(clients), str(ms)] + [str(x) for x in more],
                             stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True)
        try:
            out, bad = p.communicate()
        except BaseException:
            p.kill()
            p.wait()
            raise
        if p.returncode:
            raise Failed('%s: %s' % (self.name, bad.strip()[-300:]))
        n, ns, worst = map(int, out.split())
        return n / (ns / 1e9), worst / 1e6

    def capable(self, word, user='u0'):
        s = Sock(self, user)
        got = word in s.ask('CAPABILITY').split()
        s.close()
        if not got:
            raise Unsupported(word)

    def warm_up(self, n):
        """No login is the first of its user."""
        if not self.boxes.get('warm'):
            for i in range(n):
                Sock(self, 'u%d' % i).close()
            self.boxes['warm'] = n

    def hang_up(self):
        for t in list(self.talks):
            t.close()

    def own(self, user, path):
        st = os.stat(self.home(user))
        os.chown(path, st.st_uid, st.st_gid)

    def make_box(self, user, folder=''):
        """An empty Maildir (or a folder below it)."""
        box = self.box(user) + (folder and '/.' + folder)
        for d in ('', '/cur', '/new', '/tmp'):
            os.makedirs(box + d, 0o700, exist_ok=True)
            self.own(user, box + d)
        if folder:
            open(box + '/maildirfolder', 'w').close()
            self.own(user, box + '/maildirfolder')
        return box

    def wipe(self, user):
        self.end_sessions(user)
        shutil.rmtree(self.box(user), ignore_errors=True)
        self.boxes.pop(user, None)

    def fresh(self, user, seeds, names):
        """A mailbox of those messages, as no server has seen it."""
        self.wipe(user)
        box = self.make_box(user)
        for n in names:
            os.link('%s/m/%s' % (seeds, n), '%s/cur/%s' % (box, n))
        old = time.time() - 60
        for d in ('/cur', '/new', ''):
            os.utime(box + d, (old, old))

    def deliver(self, user, text=b'Subject: late\n\nx\n'):
        """As an MDA does; the path."""
        box = self.box(user)
        unique = '%d.M%dP%d.late' % (time.time(), time.monotonic_ns(), os.getpid())
        with open('%s/tmp/%s' % (box, unique), 'wb') as f:
            f.write(text)
        self.own(user, '%s/tmp/%s' % (box, unique))
        os.rename('%s/tmp/%s' % (box, unique), '%s/new/%s' % (box, unique))

    def cold(self, user):
        """What it indexed is gone, UIDs and flags stay."""
        self.end_sessions(user)
        for pattern in self.indexes:
            for p in glob.glob(self.box(user) + '/' + pattern):
                shutil.rmtree(p) if os.path.isdir(p) else os.unlink(p)


class Restante(Server):
    """By tools/sandbox, with the settings that it has by default."""

    indexes = ('restante/index*', '.*/restante/index*')

    def __init__(self, folder, mailload, build, users, sets=()):
        super().__init__('Restante', folder, mailload)
        cmd = [TOP + '/tools/sandbox', 'start', folder, '--users', '1', '--password', PASSWORD, '--salt', 'ab']
        for u in users:
            cmd += ['--user', u]
        for s in sets:
            cmd += ['--set', s]
        subprocess.run(cmd, env=dict(os.environ, RESTANTE_BUILD=build), check=True, timeout=120)
        self.env = {}
        for line in open(folder + '/env'):
            k, _s, v = line.rstrip('\n').partition('=')
            self.env[k] = shlex.split(v)[0] if v else ''
        self.digest = open(folder + '/etc/users').readline().split(':')[1]
        self.imap, self.imaps, self.pop3 = (int(self.env[k]) for k in ('IMAP', 'IMAPS', 'POP3'))
        self.pids = dict(zip(('imapd', 'pop3d', 'submitd'), map(int, self.env['PIDS'].split())))
        self.secure(self.env['CAFILE'])

    def end_sessions(self, user):
        """As they end when nobody needs them; waits for it."""
        self.hang_up()
        uid, mine = os.stat(self.home(user)).st_uid, []
        for p in family(self.pids.values()):
            try:
                if b'nursery' in open('/proc/%d/cmdline' % p, 'rb').read():
                    for child in family([p])[1:]:
                        if uid_of(child) == uid:
                            os.kill(child, signal.SIGTERM)
                            mine.append(child)
            except OSError:
                continue
        end = time.monotonic() + 35
        while any(os.path.exists('/proc/%d' % p) for p in mine):
            if time.monotonic() > end:
                raise Failed('Restante: a session of %s does not end' % user)
            time.sleep(0.002)

    def stop(self):
        self.hang_up()
        subprocess.run([TOP + '/tools/sandbox', 'stop', self.dir], timeout=120)


CONF = '''base_dir = %(d)s/run
log_path = %(d)s/dovecot.log
protocols = imap pop3
listen = 127.0.0.1
ssl = yes
ssl_cert = <%(tls)s/cert.pem
ssl_key = <%(tls)s/key.pem
disable_plaintext_auth = no
mail_location = maildir:~/Maildir
first_valid_uid = 1000
mail_max_userip_connections = 5000
default_client_limit = 30000
service imap-login {
  process_limit = 4000
  inet_listener imap {
    port = %(p)d
  }
  inet_listener imaps {
    port = %(t)d
    ssl = yes
  }%(login)s
}
service pop3-login {
  process_limit = 4000
  inet_listener pop3 {
    port = %(q)d
  }
  inet_listener pop3s {
    port = 0
  }%(login)s
}
service imap {
  process_limit = 4000%(mail)s
}
service pop3 {
  process_limit = 4000%(reuse)s
}
passdb {
  driver = passwd-file
  args = %(d)s/passwd
}
userdb {
  driver = passwd-file
  args = %(d)s/passwd
}
'''
TUNED_LOGIN = '''
  service_count = 0
  process_min_avail = 2
  client_limit = 4000'''
TUNED_REUSE = '''
  service_count = 0
  process_min_avail = 2'''
TUNED_MAIL = '''
  unix_listener imap-master {
    user = $default_internal_user
  }
  extra_groups = $default_internal_group'''
TUNED = '''
imap_hibernate_timeout = 1 s
service imap-hibernate {
  unix_listener imap-hibernate {
    mode = 0666
  }
}
'''


class Dovecot(Server):
    """The packaged one. Tuned: login processes that serve many, mail processes that are used again (which wants one uid for all
    mail), hibernation (which with one uid ends at the kernel's 128 instances of inotify: crowded leaves the reuse for it)."""

    indexes = ('dovecot.index*', '.*/dovecot.index*', 'dovecot.list.index*')

    def __init__(self, folder, mailload, other, users, tuned, crowded):
        super().__init__('Dovecot tuned' if tuned else 'Dovecot', folder, mailload)
        self.imap, self.imaps, self.pop3 = free_ports(3)
        os.makedirs(folder + '/mail', 0o755)
        os.makedirs(folder + '/run', 0o755)
        reuse = tuned and not crowded
        with open(folder + '/passwd', 'w') as f:
            for u in users:
                st = os.stat(other.home(users[0] if reuse else u))
                f.write('%s:{CRYPT}%s:%d:%d::%s\n' % (u, other.digest, st.st_uid, st.st_gid, self.home(u)))
                os.makedirs(self.home(u), 0o700)
                os.chown(self.home(u), st.st_uid, st.st_gid)
        with open(folder + '/dovecot.conf', 'w') as f:
            f.write(CONF % {'d': folder, 'tls': os.path.dirname(other.ca), 'p': self.imap, 't': self.imaps, 'q': self.pop3,
                            'login': TUNED_LOGIN if tuned else '', 'reuse': TUNED_REUSE if reuse else '',
                            'mail': (TUNED_REUSE if reuse else '') + (TUNED_MAIL if tuned else '')}
                    + (TUNED if tuned else ''))
        self.proc = subprocess.Popen(['dovecot', '-F', '-c', folder + '/dovecot.conf'], stdin=subprocess.DEVNULL,
                                     stderr=open(folder + '/dovecot.err', 'w'), start_new_session=True)
        self.pids = {'dovecot': self.proc.pid}
        self.secure(other.ca)
        end = time.monotonic() + 15
        for port in (self.imap, self.imaps, self.pop3):
            while True:
                try:
                    socket.create_connection(('127.0.0.1', port), timeout=2).close()
                    break
                except OSError:
                    if time.monotonic() > end or self.proc.poll() is not None:
                        self.stop()
                        raise Failed('dovecot does not start: ' + open(folder + '/dovecot.log').read()[-500:])
                    time.sleep(0.05)

    def end_sessions(self, user):
        """Its processes end with their connections, or hold nothing of a mailbox; see that none is inside."""
        self.hang_up()

    def stop(self):
        self.hang_up()
        self.proc.terminate()
        try:
            self.proc.wait(20)
        except subprocess.TimeoutExpired:
            os.killpg(self.proc.pid, signal.SIGKILL)
            self.proc.wait()


def available():
    """Why Dovecot cannot be measured here; empty when it can."""
    if not shutil.which('dovecot'):
        return 'Dovecot is not installed'
    if os.getuid() != 0:
        return 'Dovecot needs root'
    try:
        pwd.getpwnam('dovecot')
    except KeyError:
        return 'no user dovecot'
    return ''
