# SPDX-License-Identifier: ISC
"""A private Dovecot beside imapd and pop3d on one Maildir, and all that a client can see of each."""
import email.utils, hashlib, os, re, socket, subprocess, sys, time
sys.path.insert(0, os.path.join(os.path.dirname(os.path.abspath(__file__)), '..', 'lib'))
from mailtest import IS_ROOT, TOP, Imap, Pop, Skip, want

LIBEXEC = '/usr/lib/dovecot/'
CONF = '''
base_dir = %(dir)s
state_dir = %(dir)s
log_path = %(dir)s/log
ssl = no
pop3_no_flag_updates = yes
stats_writer_socket_path =
mail_location = maildir:%(maildir)s%(where)s
mail_plugins = listescape %(plugins)s
first_valid_uid = 0
namespace inbox {
  inbox = yes
  prefix = %(prefix)s
  separator = %(separator)s
}
plugin {
  listescape_char = "\\\\"
  %(plugin)s
}
%(more)s
'''


def arguments(words=()):
    """Commands of this suite may leave BUILDDIR out; the words of theirs are taken off and answered."""
    own = [a for a in sys.argv[1:] if a in words or a.isdigit()]
    rest = [a for a in sys.argv[1:] if a not in own or (a.isdigit() and sys.argv[sys.argv.index(a) - 1].startswith('--'))]
    own = [a for a in own if a not in rest]
    if not rest or rest[0].startswith('-'):
        rest.insert(0, TOP + '/build/check-gcc')
    sys.argv[1:] = rest
    return own


def need_dovecot(*programs):
    for p in programs:
        if not os.access(LIBEXEC + p, os.X_OK):
            raise Skip('%s is not there (dovecot-imapd, dovecot-pop3d)' % (LIBEXEC + p))


class Dovecot:
    """Its configuration for one user; each connection is a process of its own over a socket pair, run as the user."""

    def __init__(self, box, user, name='dovecot', where='', prefix='', separator='/', plugins='', plugin='', more='', group=None):
        self.box, self.user, self.group = box, user, group
        self.dir = '%s/%s-%s' % (box.dir, name, user)
        os.makedirs(self.dir, exist_ok=True)
        os.chmod(self.dir, 0o1777)
        self.conf = self.dir + '/conf'
        with open(self.conf, 'w') as f:
            f.write(CONF % dict(dir=self.dir, maildir=box.maildir(user), where=where, prefix=prefix, separator=separator,
                                plugins=plugins, plugin=plugin, more=more))

    def start(self, program):
        ours, theirs = socket.socketpair()
        home = os.path.dirname(self.box.maildir(self.user))
        st = os.stat(home)
        as_user = dict(user=st.st_uid, group=self.group or st.st_gid, extra_groups=[st.st_gid]) if IS_ROOT else {}
        p = subprocess.Popen([LIBEXEC + program, '-c', self.conf], stdin=theirs, stdout=theirs, stderr=subprocess.DEVNULL,
                             env={'USER': self.user, 'HOME': home, 'PATH': '/usr/bin:/bin'}, **as_user)
        theirs.close()
        ours.settimeout(60)
        return p, ours

    def imap(self):
        return DovecotImap(self)

    def pop(self):
        return DovecotPop(self)

    def log(self):
        try:
            return open(self.dir + '/log', errors='replace').read()
        except OSError:
            return ''


class DovecotImap(Imap):
    def __init__(self, of):
        self.p, self.s = of.start('imap')
        self.box, self.buf, self.tags, self.hook, self.user, self.of = of.box, b'', 0, None, of.user, of
        self.greeting = self.response()

    def cmd(self, *pieces):
        """It may look at a folder of the same second late, and then says that a message has gone: again."""
        for _k in range(10):
            r, un = Imap.cmd(self, *pieces)
            if r.code != b'EXPUNGEISSUED':
                break
            time.sleep(0.2)
            Imap.cmd(self, 'NOOP')
        return r, un

    def close(self):
        self.s.close()
        self.p.wait(20)


class DovecotPop(Pop):
    def __init__(self, of):
        self.p, self.s = of.start('pop3')
        self.box, self.buf = of.box, b''  # run alone it says nothing at first

    def close(self):
        self.s.close()
        self.p.wait(20)


class Restante:
    """The same face for ours."""

    def __init__(self, box, user):
        self.box, self.user = box, user

    def imap(self):
        return Imap(self.box, self.user)

    def pop(self):
        return Pop(self.box, self.user)


def leave(c):
    c.send(b'bye LOGOUT\r\n')
    while not c.line().startswith(b'bye '):
        pass
    c.close()


def quoted(name):
    return '"%s"' % name.replace('\\', '\\\\')


def names(c, verb):
    for r in c.ok(verb + ' "" *')[1]:
        if r.word == verb:
            yield r.data[2].decode(), [a.lower() for a in r.data[0]]


def date_of(text):
    d, t, z = text.decode().split()
    day, month, year = d.split('-')
    return int(email.utils.parsedate_to_datetime('%s %s %s %s %s' % (day, month, year, t, z)).timestamp())


class Seen:
    """One message, as one of them tells it."""

    def __init__(self, p):
        self.flags = frozenset(f.decode().lower() for f in p[b'FLAGS'] if f.lower() != b'\\recent')
        self.size, self.date = int(p[b'RFC822.SIZE']), date_of(p[b'INTERNALDATE'])
        self.octets, self.text = len(p[b'BODY[]']), hashlib.sha1(p[b'BODY[]']).hexdigest()
        self.guid = p.get(b'X-GUID')


class Folder:
    def __init__(self, c, name):
        un = c.ok('EXAMINE ' + quoted(name))[1]
        self.validity, self.next = self.code(un, b'UIDVALIDITY'), self.code(un, b'UIDNEXT')
        if self.next is None:  # Courier
            self.next = int([r for r in c.ok('STATUS %s (UIDNEXT)' % quoted(name))[1] if r.word == 'STATUS'][-1].data[1][1])
        self.messages = {}
        if [r.n for r in un if r.word == 'EXISTS'][-1] == 0:
            return
        guid = 'X-GUID ' if isinstance(c, DovecotImap) else ''
        for r in c.ok('FETCH 1:* (UID FLAGS RFC822.SIZE INTERNALDATE %sBODY.PEEK[])' % guid)[1]:
            if r.word == 'FETCH':
                p = r.pairs()
                self.messages[int(p[b'UID'])] = Seen(p)

    @staticmethod
    def code(un, word):
        for r in un:
            if r.code.startswith(word + b' '):
                return int(r.code[len(word) + 1:])
        return None

    def of(self, field):
        return {u: getattr(m, field) for u, m in self.messages.items()}


class Sight:
    """All of the user's mail, as a client of this server has it."""

    def __init__(self, server, pop=False):
        c = server.imap()
        self.names = sorted(n for n, a in names(c, 'LIST') if b'\\noselect' not in a and b'\\nonexistent' not in a)
        subscribed = list(names(c, 'LSUB'))
        self.subscribed, self.above = sorted(n for n, _a in subscribed), {n for n, a in subscribed if b'\\noselect' in a}
        self.folders = {n: Folder(c, n) for n in self.names}
        leave(c)
        self.uidls = uidls(server) if pop else []


def uidls(server):
    """[(UIDL, hash of the text)] of the INBOX."""
    c = server.pop()
    out = []
    for line in c.multi('UIDL'):
        n, _s, uidl = line.decode().partition(' ')
        out.append((uidl, hashlib.sha1(b'\r\n'.join(c.multi('RETR ' + n)) + b'\r\n').hexdigest()))
    c.cmd('QUIT')
    c.close()
    return out


def read(path):
    with open(path, 'rb') as f:
        return f.read()


def list_of(folder):
    """dovecot-uidlist of a folder: (words of the header, {uid: (words, base name)})."""
    lines = read(folder + '/dovecot-uidlist').decode().split('\n')
    want(lines[-1] == '', 'the list ends in the middle of a line: %r' % lines[-1])
    records = {}
    for x in lines[1:-1]:
        m = re.fullmatch(r'(\d+)((?: [^: ]\S*)*) :(\S+)', x)
        want(m, 'a line of the list: %r' % x)
        records[int(m.group(1))] = m.group(2).split(), m.group(3)
    return lines[0].split(), records
