# SPDX-License-Identifier: ISC
"""Seeded messages as mail is: sizes log-normal (median 8 KiB, mean 21 KB, up to 4 MiB), headers and MIME structures of all sorts.

They lie in one folder, made once; a mailbox of n messages holds hard links to the first n of them."""
import base64, math, os, quopri, random, shutil, time

SIGMA = math.sqrt(2 * math.log(21000 / 8192))
LEAST, MOST = 900, 4 << 20
NEWEST = 1767225600  # 2026-01-01: dates do not depend on the day
WORDS = ('the of and to in is that it for was on are as with his they at be this have from or one had by word but not what all were we '
         'when your can said there use an each which she do how their if will up other about out many then them these so some her would '
         'make like him into time has look two more write go see number no way could people my than first water been call who oil its now '
         'quarterly report invoice meeting project budget schedule release customer contract review draft figures Grüße schöne café naïve '
         'deadline conference server update attached regards proposal estimate delivery order').split()
NAMES = ('Anna Berg', 'Jonas Keller', 'Mario Rossi', 'Zoë Müller', 'John Smith', 'Li Wei', 'Olga Petrova', 'Ana García', 'Sven Nyström',
         'Fatma Yılmaz', 'Tom Baker', 'Claire Dupont', 'Notifications', 'Accounts Payable', 'Mailing List')


def encoded(text):
    """A header's text, as an encoded word where it must be."""
    if text.isascii():
        return text
    return '=?UTF-8?B?%s?=' % base64.b64encode(text.encode()).decode()


class Source:
    """Long texts made once; messages are cut out of them."""

    def __init__(self, rng):
        self.rng = rng
        lines, size = [], 0
        while size < 1 << 20:
            line = ' '.join(rng.choices(WORDS, k=rng.randrange(6, 13)))
            lines.append(line if rng.random() > .1 else '')
            size += len(lines[-1]) + 1
        text = '\n'.join(lines)
        plain = text.encode('ascii', 'replace').decode()
        html = '\n'.join('<tr><td style=3D"padding:0 4px">%s</td></tr>' % line for line in plain.split('\n'))
        noise = base64.encodebytes(rng.randbytes(3 << 20)).decode()
        self.pools = {'7bit': plain * 4, 'qp': quopri.encodestring(text.encode()).decode() * 4, 'html': html * 2, 'base64': noise}

    def cut(self, kind, size):
        pool = self.pools[kind]
        if size >= len(pool):
            return pool[pool.index('\n') + 1:]
        at = pool.index('\n', self.rng.randrange(0, len(pool) - size)) + 1
        end = pool.find('\n', at + size) + 1
        return pool[at:end or None]


def address(rng):
    name = rng.choice(NAMES)
    return '%s <%s%d@%s.example>' % (encoded(name), name.split()[0].encode('ascii', 'ignore').decode().lower(), rng.randrange(40), rng.choice(('north', 'south', 'lists')))


def subject(rng):
    return ('Re: ' if rng.random() < .4 else '') + ' '.join(rng.choices(WORDS, k=rng.randrange(2, 9)))


def header(rng, i, when):
    """The fields above the content, and the identifier."""
    date = time.strftime('%a, %d %b %Y %H:%M:%S +0000', time.gmtime(when))
    me = '<%d.%x@mail%d.example>' % (i, i * 2654435761 % (1 << 40), i % 7)
    out = ['Return-Path: <bounce-%d@lists.example>' % i, 'Delivered-To: bench@example.test']
    for hop in range(rng.randrange(2, 6)):
        out.append('Received: from mx%d.example (mx%d.example [192.0.2.%d])\n\tby relay%d.example.test (Postfix) with ESMTPS id %X\n'
                   '\tfor <bench@example.test>; %s' % (hop, hop, rng.randrange(255), hop, rng.getrandbits(40), date))
    out.append('Authentication-Results: relay.example.test;\n\tdkim=pass header.d=example header.s=s1;\n\tspf=pass smtp.mailfrom=lists.example')
    out.append('DKIM-Signature: v=1; a=rsa-sha256; c=relaxed/relaxed; d=example; s=s1;\n\th=from:to:subject:date:message-id;\n\tbh=%s;\n\tb=%s' % (
        base64.b64encode(rng.randbytes(32)).decode(), '\n\t '.join(base64.b64encode(rng.randbytes(42)).decode() for _k in range(5))))
    out += ['From: ' + address(rng), 'To: ' + ',\n\t'.join(address(rng) for _k in range(1 + int(rng.random() ** 4 * 6)))]
    if rng.random() < .25:
        out.append('Cc: ' + ',\n\t'.join(address(rng) for _k in range(rng.randrange(1, 5))))
    out += ['Subject: ' + encoded(subject(rng)), 'Date: ' + date, 'Message-ID: ' + me]
    if i and rng.random() < .4:
        old = ['<%d.%x@mail%d.example>' % (k, k * 2654435761 % (1 << 40), k % 7) for k in sorted(max(0, i - rng.randrange(1, 60)) for _n in range(rng.randrange(1, 5)))]
        out += ['In-Reply-To: ' + old[-1], 'References: ' + '\n\t'.join(old)]
    if rng.random() < .2:
        out += ['List-Id: <talk.lists.example>', 'List-Unsubscribe: <mailto:talk-leave@lists.example>', 'Precedence: list']
    out += ['X-Mailer: client %d.%d' % (rng.randrange(9), rng.randrange(9)), 'X-Spam-Status: No, score=-%d.%d' % (rng.randrange(5), rng.randrange(9)), 'MIME-Version: 1.0']
    return out


def multipart(kind, mark, parts):
    return ['Content-Type: multipart/%s; boundary="%s"' % (kind, mark), '', ''.join('--%s\n%s\n' % (mark, p) for p in parts) + '--%s--\n' % mark]


def alternative(src, mark, size):
    return multipart('alternative', mark, (
        'Content-Type: text/plain; charset=utf-8\nContent-Transfer-Encoding: quoted-printable\n\n' + src.cut('qp', size // 3),
        'Content-Type: text/html; charset=utf-8\nContent-Transfer-Encoding: quoted-printable\n\n' + src.cut('html', size * 2 // 3)))


def message(src, i):
    """(octets, time) of message number i."""
    rng = src.rng
    size = int(min(MOST, max(LEAST, rng.lognormvariate(math.log(8192), SIGMA))))
    when = NEWEST - 150000000 + i * 1499 + rng.randrange(-40000, 40000)
    top = header(rng, i, when)
    size = max(200, size - sum(len(x) + 1 for x in top))
    mark, kind = '=_%x' % rng.getrandbits(64), rng.random()
    if kind < .35:
        body = ['Content-Type: text/plain; charset=us-ascii', '', src.cut('7bit', size)]
    elif kind < .45:
        body = ['Content-Type: text/html; charset=utf-8', 'Content-Transfer-Encoding: quoted-printable', '', src.cut('html', size)]
    elif kind < .75 or size < 3000:
        body = alternative(src, mark, size)
    elif kind < .95:
        body = multipart('mixed', mark + 'x', ['\n'.join(alternative(src, mark, 1200))] + [
            'Content-Type: application/pdf; name="paper%d.pdf"\nContent-Transfer-Encoding: base64\nContent-Disposition: attachment;\n\tfilename="paper%d.pdf"\n\n%s'
            % (k, k, src.cut('base64', size // n)) for n in (rng.randrange(1, 4),) for k in range(n)])
    else:
        inner = '\n'.join(header(rng, i + 1, when - 9000) + ['Content-Type: text/plain', '', src.cut('7bit', size // 2)])
        body = multipart('mixed', mark, ('Content-Type: text/plain\n\n' + src.cut('7bit', size // 4), 'Content-Type: message/rfc822\n\n' + inner))
    return '\n'.join(top + body).encode(), when


def name(i, when, rng):
    flags = ''.join(f for f, p in (('F', .04), ('R', .2), ('S', .9)) if rng.random() < p)
    return '%d.M%dP%dQ%d.bench:2,%s' % (when, i, 1000 + i % 30000, i, flags)


def prepare(folder, n):
    """See that n messages are there; their names in order."""
    listed = folder + '/names'
    have = open(listed).read().split('\n')[:-1] if os.path.exists(listed) else []
    if len(have) >= n:
        return have[:n]
    shutil.rmtree(folder, ignore_errors=True)  # one seed, one run: the first n never depend on how many there are
    os.makedirs(folder + '/m', 0o755)
    src, flags, have = Source(random.Random(5)), random.Random(6), []
    for i in range(n):
        data, when = message(src, i)
        have.append(name(i, when, flags))
        fd = os.open('%s/m/%s' % (folder, have[-1]), os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o666)
        os.write(fd, data)
        os.fchmod(fd, 0o666)  # the kernel lets only its owner, or who may write it, link a file
        os.close(fd)
        os.utime('%s/m/%s' % (folder, have[-1]), (when, when))
    with open(listed, 'w') as f:
        f.write(''.join(x + '\n' for x in have))
    return have
