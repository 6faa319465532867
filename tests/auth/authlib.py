# SPDX-License-Identifier: ISC
"""imapd with users, a private PAM folder and a module that misbehaves; clients from any address by the PROXY protocol."""
import glob
import os
import re
import socket
import struct
import subprocess
import sys
import time

TOP = os.path.dirname(os.path.dirname(os.path.dirname(os.path.abspath(__file__))))
sys.dont_write_bytecode = True
sys.path.insert(0, os.path.join(TOP, 'tests', 'family'))
from familylib import Client, Daemon, Failed, until, want  # noqa: E402,F401

IS_ROOT = os.getuid() == 0
REFUSED = ('root', 'anonymous', 'guest', 'administrator')
PWDFILE = glob.glob('/lib/*/security/pam_pwdfile.so') + glob.glob('/usr/lib/*/security/pam_pwdfile.so')


class Box(Daemon):
    """imapd in a folder of its own; users alice and bob, password secret."""

    def __init__(self, build, settings=None):
        base = {'auth_delay': '1 s', 'auth_timeout': '3 s', 'auth_throttle': 10, 'pam_confdir': None, 'users_file': None,
                'domains': ['example.test'], 'trusted_networks': ['127.0.0.0/8'], 'mail_location': None,
                'virtual_uids': '62200-62299' if IS_ROOT else '%d-%d' % (os.getuid(), os.getuid()),
                'max_address_connections': 5000, 'log_level': 'info'}
        super().__init__(build, os.path.join(build, 'imapd', 'imapd'), settings={})
        base.update(pam_confdir=self.dir + '/pam', users_file=self.dir + '/users', mail_location=self.dir + '/mail/%u/Maildir')
        self.settings.update(base)
        self.settings.update(settings or {})
        self.write_conf()
        os.makedirs(self.dir + '/pam', 0o755, exist_ok=True)
        with open(self.dir + '/pam/restante', 'w') as f:
            f.write('auth required %s\nauth required pam_pwdfile.so pwdfile=%s/users\naccount required pam_permit.so\n'
                    % (os.path.join(build, 'tests/lib/pam_test.so'), self.dir))
        for user in ('alice', 'bob'):
            want(self.ctl('user', 'add', user, text='secret\n')[0] == 0, 'user add ' + user)

    def ctl(self, *args, text=''):
        r = subprocess.run([os.path.join(self.build, 'restantectl', 'restantectl'), '-c', self.conf] + list(args), input=text,
                           stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True, timeout=60)
        return r.returncode, r.stdout, r.stderr

    def add_lines(self, names, uid=None):
        """Users that restantectl would not make, with alice's password."""
        with open(self.dir + '/users') as f:
            fields = f.readline().split(':')
        with open(self.dir + '/users', 'a') as f:
            for name in names:
                f.write('%s:%s:%s:%s:%s/mail/%s:\n' % (name, fields[1], fields[2] if uid is None else uid, fields[3], self.dir, name))

    def refusals(self):
        """The log's lines "login refused" as dictionaries."""
        out = []
        for line in self.log().splitlines():
            if 'event="login refused"' in line:
                out.append({k: v.strip('"') for k, v in re.findall(r'(\w+)=("(?:[^"\\]|\\.)*"|\S+)', line)})
        return out

    def from_address(self, address, tls=True):
        return Peer(self.port, address, tls)


class Peer(Client):
    """A client at any address, as a trusted proxy tells it; tls: it came to the proxy by TLS."""

    def __init__(self, port, address, tls=True):
        self.sock = socket.create_connection(('127.0.0.1', port), timeout=60)
        self.buf = b''
        self.sock.sendall(proxy_header(address, tls))
        self.tags = 0
        self.greeting = self.line()

    def command(self, text):
        """The tagged answer without its tag, and the seconds it took."""
        self.tags += 1
        tag = 't%d ' % self.tags
        begun = time.monotonic()
        self.send(tag + text)
        while True:
            line = self.line()
            if line.startswith(tag):
                return line[len(tag):], time.monotonic() - begun

    def login(self, user, password='secret'):
        return self.command('LOGIN "%s" "%s"' % (user, password))


def proxy_header(address, tls):
    v6 = ':' in address
    family = socket.AF_INET6 if v6 else socket.AF_INET
    body = socket.inet_pton(family, address) + socket.inet_pton(family, '::1' if v6 else '127.0.0.1') + struct.pack('!HH', 40000, 143)
    if tls:
        body += struct.pack('!BHBI', 0x20, 5, 1, 0)
    return b'\r\n\r\n\0\r\nQUIT\n' + struct.pack('!BBH', 0x21, 0x21 if v6 else 0x11, len(body)) + body


def run(cases, suite_only=''):
    """Each case takes the box; one line each."""
    build = os.path.abspath(sys.argv[1])
    only = sys.argv[sys.argv.index('--only') + 1] if '--only' in sys.argv else ''
    prefix = os.path.basename(sys.argv[0])
    bad = 0
    for settings, fns in cases:
        fns = [f for f in fns if only in f.__name__]
        if not fns:
            continue
        if not PWDFILE:
            for fn in fns:
                print('SKIP auth %s : no pam_pwdfile.so (Debian: libpam-pwdfile)' % fn.__name__)
            continue
        box = None
        try:
            box = Box(build, settings)
            box.start()
        except Exception as e:
            print('FAIL auth %s-start : %s' % (prefix, str(e).replace('\n', ' | ')[-600:]))
            bad += 1
            if box is not None:
                box.remove()
            continue
        for fn in fns:
            try:
                note = fn(box)
                print('PASS auth %s%s' % (fn.__name__, ' : ' + note if note else ''))
            except Exception as e:
                bad += 1
                print('FAIL auth %s : %s%s' % (fn.__name__, '' if isinstance(e, Failed) else type(e).__name__ + ': ',
                                               str(e).replace('\n', ' | ')[:600]))
            sys.stdout.flush()
        if os.environ.get('KEEP'):
            print('kept: ' + box.dir, file=sys.stderr)
            box.stop()
        else:
            box.remove()
    return 1 if bad else 0
