# SPDX-License-Identifier: ISC
"""Start a daemon of the family in a folder of its own and talk to it. Used by the tests beside it."""
import os
import shutil
import signal
import socket
import ssl
import subprocess
import sys
import tempfile
import time
import warnings

warnings.simplefilter('ignore')
import crypt  # noqa: E402

TOP = os.path.dirname(os.path.dirname(os.path.dirname(os.path.abspath(__file__))))
NET_UID, QUEUE_UID, LOG_UID, USER_UID = 62001, 62002, 62003, 62100
IS_ROOT = os.getuid() == 0


class Failed(Exception):
    pass


def want(condition, text):
    if not condition:
        raise Failed(text)


def until(fn, what, seconds=10.0):
    """Poll fn until it answers something true."""
    end = time.monotonic() + seconds
    while True:
        got = fn()
        if got:
            return got
        if time.monotonic() > end:
            raise Failed('not within %g s: %s' % (seconds, what))
        time.sleep(0.01)


def free_ports(n):
    held = []
    for _ in range(n):
        s = socket.socket()
        s.bind(('127.0.0.1', 0))
        held.append(s)
    ports = [s.getsockname()[1] for s in held]
    for s in held:
        s.close()
    return ports


class Client:
    """A line-wise connection."""

    def __init__(self, port, tls=False, host='127.0.0.1', cafile=None, source=None, greet=True):
        self.sock = socket.create_connection((host, port), timeout=20, source_address=(source, 0) if source else None)
        self.buf = b''
        self.cert = None
        if tls:
            self.wrap(cafile)
        if greet:
            self.greeting = self.line()

    def wrap(self, cafile=None):
        ctx = ssl.create_default_context(cafile=cafile) if cafile else ssl._create_unverified_context()
        self.sock = ctx.wrap_socket(self.sock, server_hostname='localhost')
        self.cert = self.sock.getpeercert(True)

    def send(self, text):
        self.sock.sendall(text.encode() + b'\r\n')

    def line(self):
        while b'\n' not in self.buf:
            got = self.sock.recv(65536)
            if not got:
                raise Failed('connection closed, had %r' % self.buf)
            self.buf += got
        head, self.buf = self.buf.split(b'\n', 1)
        return head.rstrip(b'\r').decode()

    def ask(self, text):
        self.send(text)
        return self.line()

    def is_closed(self, seconds=5):
        """Reads away what comes; true when the other side has closed."""
        self.sock.settimeout(seconds)
        try:
            while True:
                if not self.sock.recv(65536):
                    return True
        except (ConnectionError, ssl.SSLError):
            return True
        except socket.timeout:
            return False

    def login(self, user, password='secret'):
        if self.greeting.startswith('* OK'):  # imapd
            self.send('a1 LOGIN %s %s' % (user, password))
            got = self.line()
            while not got.startswith('a1 '):
                got = self.line()
            want(got.startswith('a1 OK'), 'login of %s: %s' % (user, got))
            return got
        got = self.ask('login %s %s' % (user, password))
        want(got.startswith('ok %s' % user), 'login of %s: %s' % (user, got))
        return got

    def close(self):
        self.sock.close()


class Daemon:
    """One daemon below a folder in /tmp."""

    def __init__(self, build, binary=None, settings=None, users=20, foreground=True):
        self.build = build
        self.binary = binary or os.path.join(build, 'tests', 'family', 'echod')
        self.name = os.path.basename(self.binary)
        self.dir = tempfile.mkdtemp(prefix='restante-family-')
        os.chmod(self.dir, 0o755)
        self.port, self.tls_port = free_ports(2)
        for sub in ('run', 'empty', 'mail', 'tls'):
            os.mkdir(os.path.join(self.dir, sub), 0o755)
        if not IS_ROOT:
            os.chmod(os.path.join(self.dir, 'mail'), 0o700)
        self.make_certs()
        self.settings = {
            'imap': True, 'imap_listen': ['127.0.0.1:%d' % self.port], 'imaps_listen': ['127.0.0.1:%d' % self.tls_port],
            'run_dir': self.dir + '/run', 'empty_dir': self.dir + '/empty', 'log': 'stderr', 'drain_time': 5,
            'net_user': str(NET_UID), 'queue_user': str(QUEUE_UID), 'log_user': str(LOG_UID), 'frontends': 2,
        }
        if not IS_ROOT:
            self.settings['first_uid'] = min(os.getuid(), 1000)
        self.is_echo = self.name == 'echod'
        if not self.is_echo:
            self.make_users(users)
        self.settings.update(settings or {})
        self.conf = self.dir + '/restante.conf'
        self.write_conf()
        self.proc = None
        self.log_path = self.dir + '/log'
        self.foreground = foreground

    def make_users(self, n):
        """For daemons with the real auth: users u0 to uN, password secret, in a private PAM stack."""
        digest = crypt.crypt('secret', crypt.mksalt(crypt.METHOD_SHA512, rounds=1000))
        os.makedirs(self.dir + '/pam', 0o755, exist_ok=True)
        with open(self.dir + '/pam/restante', 'w') as f:
            f.write('auth required pam_pwdfile.so pwdfile=%s/users\naccount required pam_permit.so\n' % self.dir)
        with open(self.dir + '/users', 'w') as f:
            for i in range(n):
                uid = USER_UID + i if IS_ROOT else os.getuid()
                gid = uid if IS_ROOT else os.getgid()
                home = '%s/mail/u%d' % (self.dir, i)
                os.mkdir(home, 0o700)
                if IS_ROOT:
                    os.chown(home, uid, gid)
                f.write('u%d:%s:%d:%d:%s:\n' % (i, digest, uid, gid, home))
        self.settings.update(users_file=self.dir + '/users', pam_confdir=self.dir + '/pam')

    def session_pid(self, user):
        """Of the process that serves a user now."""
        for line in self.control('who ' + user):
            kv = dict(x.split('=', 1) for x in line.split())
            if kv.get('what') == 'session' and kv['connections'] != '0':
                return int(kv['pid'])
        raise Failed('no session of %s' % user)

    def make_certs(self):
        subprocess.check_call([os.path.join(TOP, 'tools', 'certs'), self.dir + '/tls', 'mail.example.test'],
                              stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
        self.cafile = self.dir + '/tls/ca.pem'

    def write_conf(self, extra=''):
        def text(v):
            if isinstance(v, bool):
                return 'true' if v else 'false'
            if isinstance(v, int):
                return str(v)
            if isinstance(v, list):
                return '[ ' + ', '.join('"%s"' % x for x in v) + ' ]'
            return '"%s"' % v
        with open(self.conf, 'w') as f:
            f.write('certificates = ( { certificate = "%s/tls/cert.pem"; key = "%s/tls/key.pem"; } );\n' % (self.dir, self.dir))
            for k, v in self.settings.items():
                f.write('%s = %s;\n' % (k, text(v)))
            f.write(extra)

    def start(self, wait=True):
        env = dict(os.environ, ECHOD_MAIL=self.dir + '/mail', ECHOD_UID=str(USER_UID))
        env.pop('NOTIFY_SOCKET', None)
        log = open(self.log_path, 'ab')
        self.proc = subprocess.Popen([self.binary, '-f', '-c', self.conf], stdout=log, stderr=log, stdin=subprocess.DEVNULL, env=env)
        log.close()
        if wait:
            def up():
                want(self.proc.poll() is None, 'daemon ended at once: ' + self.log())
                return self.is_ready()
            until(up, 'daemon ready: ' + self.log(), 20)
        return self

    def is_ready(self):
        try:
            lines = self.control('status')
        except OSError:
            return False
        roles = [l for l in lines if l.startswith('role=')]
        return roles and all(' state=ready ' in l for l in roles)

    def log(self):
        with open(self.log_path, errors='replace') as f:
            return f.read()

    def control(self, command):
        s = socket.socket(socket.AF_UNIX)
        s.settimeout(10)
        s.connect('%s/run/%s.ctl' % (self.dir, self.name))
        s.sendall(command.encode() + b'\n')
        data = b''
        while not data.endswith(b'.\n'):
            got = s.recv(65536)
            if not got:
                break
            data += got
        s.close()
        return data.decode().splitlines()[:-1]

    def roles(self):
        """[(name, index, pid)] by the control socket."""
        out = []
        for line in self.control('status'):
            if line.startswith('role='):
                kv = dict(x.split('=', 1) for x in line.split())
                out.append((kv['role'], int(kv['index']), int(kv['pid'])))
        return out

    def role(self, name, index=0):
        for n, i, pid in self.roles():
            if n == name and i == index:
                return pid
        raise Failed('no role %s' % name)

    def client(self, tls=False, **kw):
        return Client(self.tls_port if tls else self.port, tls=tls, cafile=self.cafile if tls else None, **kw)

    def signal(self, number):
        self.proc.send_signal(number)

    def stop(self, seconds=15):
        if self.proc and self.proc.poll() is None:
            self.proc.send_signal(signal.SIGTERM)
            try:
                self.proc.wait(seconds)
            except subprocess.TimeoutExpired:
                self.proc.kill()
                self.proc.wait()
                raise Failed('did not stop in %d s: %s' % (seconds, self.log()))

    def remove(self):
        try:
            self.stop()
        finally:
            shutil.rmtree(self.dir, ignore_errors=True)


def children_of(pid):
    out = []
    for p in os.listdir('/proc'):
        if p.isdigit():
            try:
                with open('/proc/%s/stat' % p) as f:
                    if int(f.read().rsplit(')', 1)[1].split()[1]) == pid:
                        out.append(int(p))
            except (OSError, IndexError):
                pass
    return out


def main(tests, root_only=False):
    """Run test functions (each takes the build folder, the binary) and print their lines."""
    args = [a for a in sys.argv[1:] if not a.startswith('--')]
    build = args[0] if args else os.getcwd()
    binary = args[1] if len(args) > 1 else None
    bad = 0
    for fn in tests:
        name = '%s/%s' % (os.path.basename(sys.argv[0]), fn.__name__)
        if root_only and not IS_ROOT:
            print('SKIP family %s : needs root' % name)
            continue
        try:
            fn(build, binary)
            print('PASS family %s' % name)
        except Failed as e:
            bad += 1
            print('FAIL family %s : %s' % (name, str(e).replace('\n', ' | ')[:1500]))
        except Exception as e:  # a test that breaks is a failed test
            bad += 1
            print('FAIL family %s : %s: %s' % (name, type(e).__name__, str(e).replace('\n', ' | ')[:1500]))
        sys.stdout.flush()
    sys.exit(1 if bad else 0)
