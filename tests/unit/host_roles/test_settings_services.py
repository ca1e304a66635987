"""What service configurations should become: tables of before and after."""

from __future__ import annotations

import hashlib

import pytest
from ansible_collections.care.remediation.plugins.module_utils.hosts.settings import inetd, nginx, postgresql, redis
from hypothesis import given
from hypothesis import strategies as st

TELNET = (frozenset({"telnet", "23"}), frozenset({"telnetd", "in.telnetd"}))
HASH = hashlib.sha256(b"a long enough password").hexdigest()


@pytest.mark.parametrize(
    ("before", "after"),
    [
        (
            "telnet\tstream\ttcp\tnowait\troot\t/usr/sbin/telnetd\ttelnetd\n",
            "#telnet\tstream\ttcp\tnowait\troot\t/usr/sbin/telnetd\ttelnetd\n",
        ),
        (
            "telnet stream tcp nowait root /usr/sbin/tcpd /usr/sbin/in.telnetd\n",
            "#telnet stream tcp nowait root /usr/sbin/tcpd /usr/sbin/in.telnetd\n",
        ),
        ("192.0.2.1:23 stream tcp nowait root /x/y y\n", "#192.0.2.1:23 stream tcp nowait root /x/y y\n"),
        (
            "2323 stream tcp nowait root /usr/sbin/telnetd telnetd\n",
            "#2323 stream tcp nowait root /usr/sbin/telnetd telnetd\n",
        ),
        ("#telnet stream tcp nowait root /usr/sbin/telnetd telnetd\n", None),
        ("#<off># telnet stream tcp nowait root /usr/sbin/telnetd telnetd\n", None),
        ("time stream tcp nowait root internal\nident stream tcp wait identd /usr/sbin/identd identd\n", None),
        ("", None),
        ("telnet short line\n", None),
    ],
)
def test_inetd_lines(before: str, after: str | None) -> None:
    assert inetd.switched_off(before, *TELNET) == (before if after is None else after)


def test_inetd_keeps_the_rest_and_comes_to_rest() -> None:
    text = (
        "# head\ntelnet stream tcp nowait root /usr/sbin/telnetd telnetd\n"
        "ident stream tcp wait identd /usr/sbin/identd identd"
    )
    once = inetd.switched_off(text, *TELNET)
    assert inetd.switched_off(once, *TELNET) == once
    assert inetd.remaining(once) == ["ident"]


@pytest.mark.parametrize(
    ("rules", "verdict"),
    [
        (["on", "nopass", "~*", "+@all"], False),
        ([], False),
        (["on", ">secret", "~*"], True),
        (["on", f"#{HASH}"], True),
        (["on", ">secret", "nopass"], False),
        (["nopass", ">secret"], True),
        (["off"], True),
        (["off", "on"], False),
        (["reset"], True),
    ],
)
def test_redis_acl_rules(rules: list[str], verdict: bool) -> None:
    assert redis.rules_authenticate(rules) is verdict


def wanted(password: str | None = HASH) -> redis.Wanted:
    return redis.Wanted(("127.0.0.1", "-::1"), password)


def test_redis_open_becomes_closed_and_stays_so() -> None:
    main = "# head\nbind 0.0.0.0\nport 6379\nprotected-mode no\n"
    new = redis.secured("/r.conf", {"/r.conf": main}, None, wanted())["/r.conf"]
    assert new == f"# head\nbind 127.0.0.1 -::1\nport 6379\nprotected-mode yes\nuser default on #{HASH} ~* &* +@all\n"
    assert redis.secured("/r.conf", {"/r.conf": new}, None, wanted()) == {}
    assert redis.authenticated({"/r.conf": new})


def test_redis_clear_passwords_go_and_a_later_bind_loses() -> None:
    texts = {
        "/r.conf": 'bind 127.0.0.1\nrequirepass "in clear"\nbind 0.0.0.0\ninclude /more.conf\n',
        "/more.conf": "bind 0.0.0.0\nrequirepass other\nmaxmemory 1gb\n",
    }
    changed = redis.secured("/r.conf", texts, None, wanted())
    assert "clear" not in changed["/r.conf"] and changed["/r.conf"].count("bind ") == 1
    assert changed["/more.conf"] == "maxmemory 1gb\n"
    assert redis.holds_secret(texts["/r.conf"]) and not redis.holds_secret(changed["/r.conf"])


def test_redis_acl_file_takes_the_user_and_keeps_its_permissions() -> None:
    texts = {
        "/r.conf": "aclfile /users.acl\n",
        "/users.acl": "user default on nopass ~app:* +@read\nuser app on >x ~* +@all\n",
    }
    changed = redis.secured("/r.conf", texts, "/users.acl", wanted())
    assert changed["/users.acl"] == f"user default on #{HASH} ~app:* +@read\nuser app on >x ~* +@all\n"
    assert "user default" not in changed["/r.conf"]
    assert redis.holds_secret(texts["/users.acl"])


def test_redis_without_a_password_is_refused_unless_there_is_one() -> None:
    with pytest.raises(redis.RedisSettingsError, match="care_redis_password"):
        redis.secured("/r.conf", {"/r.conf": "bind 0.0.0.0\n"}, None, wanted(None))
    kept = redis.secured("/r.conf", {"/r.conf": "bind 0.0.0.0\nrequirepass x\n"}, None, wanted(None))["/r.conf"]
    assert "requirepass x" in kept and "bind 127.0.0.1 -::1" in kept
    with pytest.raises(redis.RedisSettingsError, match="64"):
        redis.secured("/r.conf", {"/r.conf": ""}, None, wanted("not a hash"))


@given(st.text())
def test_redis_words_never_fail(line: str) -> None:
    assert all(isinstance(word, str) for word in redis.words(line))


@pytest.mark.parametrize(
    ("line", "after"),
    [
        ("host all all 0.0.0.0/0 trust", "host all all 0.0.0.0/0 scram-sha-256"),
        (
            "host  all  all  10.0.0.0  255.0.0.0  trust  # old",
            "host  all  all  10.0.0.0  255.0.0.0  scram-sha-256  # old",
        ),
        ("hostssl all all ::/0 trust", "hostssl all all ::/0 scram-sha-256"),
        ("host all all .chu.example trust", "host all all .chu.example scram-sha-256"),
        ('host "trust" "tr ust" samenet trust', 'host "trust" "tr ust" samenet scram-sha-256'),
        ("host all all 0.0.0.0/0 \\\n  trust", "host all all 0.0.0.0/0 \\\n  scram-sha-256"),
        ("host trust all 0.0.0.0/0 md5", None),
        ("host all all 0.0.0.0/0 reject # trust", None),
        ("# host all all 0.0.0.0/0 trust", None),
        ("local all all trust", None),
        ("host all all", None),
    ],
)
def test_pg_hba_trust(line: str, after: str | None) -> None:
    head = "local all postgres peer\n"
    assert postgresql.without_trust(f"{head}{line}\n", "scram-sha-256") == f"{head}{after or line}\n"


def test_pg_hba_lines_can_be_removed() -> None:
    text = "local all all peer\nhost all all 0.0.0.0/0 \\\n trust\nhost all all ::1/128 md5\n"
    assert postgresql.without_trust(text, "remove") == (
        "local all all peer\n#host all all 0.0.0.0/0 \\\n# trust\nhost all all ::1/128 md5\n"
    )


@pytest.mark.parametrize(
    ("text", "let_in"),
    [
        ("local all postgres peer\n", True),
        ("local all all trust\n", True),
        ("local all all md5\nlocal all postgres peer\n", False),
        ("local app app peer\nlocal all all peer\n", True),
        ("host all all 127.0.0.1/32 trust\n", False),
        ("", False),
    ],
)
def test_the_administrator_of_postgresql_is_never_locked_out(text: str, let_in: bool) -> None:
    assert postgresql.administrator_gets_in(text) is let_in
    result = postgresql.without_trust(text, "scram-sha-256")
    assert postgresql.administrator_gets_in(result)
    assert postgresql.without_trust(result, "scram-sha-256") == result


@pytest.mark.parametrize(
    ("main", "after"),
    [
        ("listen_addresses = '*'\ninclude_dir = 'conf.d'\n", None),
        ("include_dir = 'conf.d'\nlisten_addresses = '*'\n", "include_dir = 'conf.d'\n#listen_addresses = '*'\n"),
        ("port = 5432\n", "port = 5432\ninclude_dir = '/pg/conf.d'\n"),
        ("#include_dir = 'conf.d'\nport = 1", "#include_dir = 'conf.d'\nport = 1\ninclude_dir = '/pg/conf.d'\n"),
        ("include_dir '/pg/conf.d'\n", None),
    ],
)
def test_the_drop_in_of_postgresql_has_the_last_word(main: str, after: str | None) -> None:
    assert postgresql.main_file(main, "/pg/conf.d") == (main if after is None else after)


@pytest.mark.parametrize(
    ("before", "after"),
    [
        ("ssl_protocols TLSv1 TLSv1.1 TLSv1.2;", "ssl_protocols TLSv1.2 TLSv1.3;"),
        ("ssl_protocols TLSv1.3;", None),
        ("  ssl_protocols\n  TLSv1   TLSv1.2 ;", "  ssl_protocols TLSv1.2 TLSv1.3;"),
        ("# ssl_protocols TLSv1;", None),
        ("log_format x 'ssl_protocols TLSv1;';", None),
        ("ssl_ciphers ECDHE-RSA-AES256-GCM-SHA384;", None),
        ('ssl_ciphers "ALL:@SECLEVEL=0";', "ssl_ciphers " + ":".join(nginx.CIPHERS) + ";"),
        ("ssl_conf_command MinProtocol TLSv1;", ""),
        ("ssl_conf_command Options KTLS;", None),
        ("set $x ${ssl_protocols}; return 200 'a;b{c';", None),
    ],
)
def test_nginx_directives(before: str, after: str | None) -> None:
    text = f"server {{\n{before}\n}}\n"
    assert nginx.modernised(text) == (text if after is None else f"server {{\n{after}\n}}\n")


MAIN = "/etc/nginx/nginx.conf"
DROP_IN = "/etc/nginx/conf.d/" + nginx.DROP_IN


@pytest.mark.parametrize(
    ("files", "changed", "problems"),
    [
        # http says it: nothing to add. A server inherits.
        (
            {MAIN: "http { ssl_protocols TLSv1.2; ssl_ciphers ECDHE-RSA-AES256-GCM-SHA384; include conf.d/*.conf; }"},
            set(),
            0,
        ),
        # http says nothing: nginx 1.22 would allow TLS 1.0
        ({MAIN: "http { include /etc/nginx/conf.d/*.conf; }"}, {DROP_IN}, 0),
        ({MAIN: "http { server { listen 443 ssl; } }"}, set(), 1),
        # said in an included file, at http level
        (
            {
                MAIN: "http { include conf.d/*.conf; }",
                "/etc/nginx/conf.d/a.conf": "ssl_protocols TLSv1; ssl_ciphers ALL;",
            },
            {"/etc/nginx/conf.d/a.conf"},
            0,
        ),
        ({MAIN: "stream { server { listen 636 ssl; } } http { include conf.d/*.conf; }"}, {DROP_IN}, 1),
    ],
)
def test_nginx_wherever_it_is_said(files: dict[str, str], changed: set[str], problems: int) -> None:
    result, found = nginx.wanted(files, MAIN, DROP_IN)
    assert set(result) == changed and len(found) == problems
    again, _same = nginx.wanted({**files, **result}, MAIN, DROP_IN)
    assert again == {}


def test_nginx_dump_names_its_files() -> None:
    dump = (
        "# configuration file /etc/nginx/nginx.conf:\nhttp {}\n\n# configuration file /etc/nginx/conf.d/x.conf:\ny;\n"
    )
    assert nginx.dump_files(dump) == {"/etc/nginx/nginx.conf": "http {}\n\n", "/etc/nginx/conf.d/x.conf": "y;\n"}


@given(st.text(alphabet="abc;{}\"'\\#$ \n"))
def test_nginx_parser_never_fails_nor_hangs(text: str) -> None:
    list(nginx.directives(text))
    assert nginx.modernised(text) == text  # none of our directives can be spelled with these letters
