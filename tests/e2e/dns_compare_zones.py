"""dns_compare_zones - the zones about which dns_compare asks: mail, wildcards, delegations, DNAME, reverse, and a large one"""

MAIL = """$TTL 3600
@ SOA ns1 hostmaster 7 3600 900 604800 300
@ NS ns1
@ NS ns2.wild.test.
@ NS ns.elsewhere.example.
@ MX 10 mail
@ MX 20 Backup.Mail
@ MX 30 mx.wild.test.
@ TXT "v=spf1 mx -all"
@ CAA 0 issue "ca.example"
@ A 192.0.2.80
@ AAAA 2001:db8::80
ns1 A 192.0.2.1
ns1 AAAA 2001:db8::1
mail A 192.0.2.2
mail A 192.0.2.3
mail AAAA 2001:db8::2
Backup.Mail A 192.0.2.4
www CNAME @
web CNAME www
chain CNAME web
smtp CNAME mail
imap CNAME mail
autoconfig CNAME host.wild.test.
outside CNAME www.elsewhere.example.
dangling CNAME nowhere
loop1 CNAME loop2
loop2 CNAME loop3
loop3 CNAME loop1
self CNAME self
into CNAME x.deleg.test.
viadname CNAME h.d.dname.test.
_submission._tcp SRV 0 1 587 mail
_imaps._tcp SRV 0 1 993 imap2
_imaps._tcp SRV 10 1 993 mail
_pop3s._tcp SRV 0 0 0 .
imap2 A 192.0.2.5
_25._tcp.mail TLSA 3 1 1 0123456789abcdef0123456789abcdef0123456789abcdef0123456789abcdef
_dmarc TXT "v=DMARC1; p=reject"
sel._domainkey TXT "v=DKIM1; k=rsa; p=" "MIIBIjANBgkqhkiG9w0BAQEFAAOCAQ8AMIIBCgKCAQEA"
null MX 0 .
lists MX 10 mail
lists A 192.0.2.6
mxalias MX 5 smtp
mxmissing MX 5 gone
unknown TYPE65280 \\# 3 010203
info HINFO "pc" "linux"
person RP hostmaster info
afs AFSDB 1 mail
kx KX 10 mail
rt RT 10 mail
naptr NAPTR 10 10 "s" "SIP+D2U" "" _submission._tcp
naptr2 NAPTR 10 10 "a" "SIP+D2U" "" mail
svc SVCB 1 mail alpn=h2
svc2 HTTPS 1 . alpn=h2
svc2 A 192.0.2.7
big TXT "{x}"
big TXT "{y}"
big TXT "{z}"
many MX 10 m1.many
m1.many A 192.0.2.8
sp\\032ace A 192.0.2.12
dot\\.ted A 192.0.2.13
nul\\000l A 192.0.2.14
UPPER.Case A 192.0.2.15
wks A 192.0.2.16
key TYPE256 \\# 6 000a00016162
a.b.c.deep A 192.0.2.17
""".format(x="x" * 250, y="y" * 250, z="z" * 250) + "".join(
    f"many MX {10 + i} m{i + 2}.many\nm{i + 2}.many A 198.51.100.{i}\nm{i + 2}.many AAAA 2001:db8:1::{i}\n" for i in range(25)) + "".join(
    f"crowd A 10.1.{i // 250}.{i % 250 + 1}\n" for i in range(80))

WILD = """$TTL 300
@ SOA ns2 hostmaster 1 3600 900 604800 60
@ NS ns2
@ NS ns1.mail.test.
ns2 A 192.0.2.21
mx A 192.0.2.22
host A 192.0.2.23
* MX 10 mx
* TXT "any"
*.a A 192.0.2.24
b.a TXT "hides"
c.b.a A 192.0.2.25
*.x.ent CNAME host
y.x.ent A 192.0.2.26
sub.*.mid A 192.0.2.27
*.mid TXT "middle"
*.empty.mid TXT "m"
one.two.*.star A 192.0.2.28
*.cn CNAME t.a
*.loop CNAME z.loop
*.mx MX 10 q.mx
*.mx A 192.0.2.29
*.out CNAME away.elsewhere.example.
*.srv SRV 1 2 3 mx
deleg.w NS ns.deleg.w
ns.deleg.w A 192.0.2.30
*.w A 192.0.2.31
*.aaaa AAAA 2001:db8::31
*.long.wild TXT "l"
"""

DELEG = """$TTL 600
@ SOA ns1 hostmaster 1 3600 900 604800 60
@ NS ns1
@ NS ns2
ns1 A 192.0.2.41
ns2 A 192.0.2.42
ns2 AAAA 2001:db8::42
sub NS ns.sub
sub NS ns1
sub MX 10 occluded
ns.sub A 192.0.2.43
ns.sub AAAA 2001:db8::43
occluded.sub A 192.0.2.44
secure NS ns.secure
secure DS 12345 8 2 49FD46E6C4B45C55D4AC49FD46E6C4B45C55D4AC49FD46E6C4B45C55D4AC0011
ns.secure A 192.0.2.45
noglue NS ns.elsewhere.example.
mixed NS ns.elsewhere.example.
mixed NS ns.mixed
mixed NS ns.sub
ns.mixed A 192.0.2.46
below.cut.sub NS ns.below
child NS ns.child
child NS ns1
ns.child A 192.0.2.47
a.b.ent NS ns1
many NS n1.many
n1.many A 192.0.2.51
n1.many AAAA 2001:db8::51
self NS self
self A 192.0.2.48
wide NS ns.wide.mail.test.
under NS ns1.mail.test.
cn CNAME host.sub
cn2 CNAME w.child
host A 192.0.2.49
""" + "".join(f"many NS n{i}.many\nn{i}.many A 198.51.101.{i}\nn{i}.many AAAA 2001:db8:2::{i}\n" for i in range(2, 13))

CHILD = """$TTL 600
@ SOA ns hostmaster 1 3600 900 604800 60
@ NS ns
@ NS ns1.deleg.test.
ns A 192.0.2.47
w A 192.0.2.99
@ A 192.0.2.98
x.y CNAME w
up CNAME host.deleg.test.
"""

DNAME = """$TTL 600
@ SOA ns1 hostmaster 1 3600 900 604800 60
@ NS ns1
ns1 A 192.0.2.61
d DNAME t
d A 192.0.2.62
d MX 10 h.d
h.t A 192.0.2.63
i.t CNAME h.t
self DNAME self
grow DNAME x.grow
loop1 DNAME loop2
loop2 DNAME loop1
far DNAME a.very.long.name.that.goes.on.and.on.so.that.something.is.too.long.in.elsewhere.example.
other DNAME mail.test
other2 DNAME mail.test.
chain1 DNAME chain2
chain2 DNAME t
alias CNAME h.d
cut NS ns.cut
ns.cut A 192.0.2.64
ent.of.some A 192.0.2.65
into DNAME sub.deleg.test.
missing DNAME nowhere
"""

# Data below a DNAME or a cut: NSD refuses such a zone.
OCCLUDED = """$TTL 600
@ SOA ns1 hostmaster 1 3600 900 604800 60
@ NS ns1
ns1 A 192.0.2.61
d DNAME t
h.d TXT "occluded"
cut.d NS ns1
h.t A 192.0.2.63
sub NS ns1
x.sub DNAME t
y.sub CNAME ns1
*.sub A 192.0.2.66
both NS ns1
both DNAME t
b.both A 192.0.2.67
*.wd DNAME t
"""

REVERSE = """$TTL 3600
@ SOA ns1.mail.test. hostmaster.mail.test. 1 3600 900 604800 300
@ NS ns1.mail.test.
@ NS ns2.wild.test.
0/25 NS ns1.mail.test.
0/25 NS ns.0/25
ns.0/25 A 192.0.2.1
128/25 NS ns.elsewhere.example.
""" + "".join(f"{i} CNAME {i}.0/25\n" for i in range(1, 127)) + "".join(f"{i} CNAME {i}.128/25\n" for i in range(129, 140)) + \
    "".join(f"{i} PTR host{i}.mail.test.\n" for i in range(200, 220))

CLASSLESS = """$TTL 3600
@ SOA ns1.mail.test. hostmaster.mail.test. 1 3600 900 604800 300
@ NS ns1.mail.test.
@ NS ns
ns A 192.0.2.1
""" + "".join(f"{i} PTR host{i}.mail.test.\n" for i in range(1, 100))

TLD = """$TTL 3600
@ SOA ns1.mail.test. hostmaster 1 3600 900 604800 300
@ NS ns1.mail.test.
"""


def big(records):
    """A zone of hosts with an address, a second one or an MX, and delegations: about as many records as asked for."""
    head = "$TTL 3600\n@ SOA ns1 hostmaster 1 3600 900 604800 300\n@ NS ns1\n@ NS ns2\nns1 A 192.0.2.91\nns2 A 192.0.2.92\n"
    lines = []
    for i in range(records // 4):
        lines.append(f"h{i} A 10.{i >> 16 & 255}.{i >> 8 & 255}.{i & 255}\nh{i} MX 10 h{i + 1}\n"
                     f"d{i} NS ns.d{i}\nns.d{i} A 172.16.{i >> 8 & 255}.{i & 255}\n")
    return head + "".join(lines)


def zones(records):
    return {"mail.test": MAIL, "wild.test": WILD, "deleg.test": DELEG, "child.deleg.test": CHILD, "dname.test": DNAME, "occluded.test": OCCLUDED,
            "2.0.192.in-addr.arpa": REVERSE, "0/25.2.0.192.in-addr.arpa": CLASSLESS, "big.test": big(records)}
