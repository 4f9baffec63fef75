"""Settings: one file and the environment, everything that cannot work is refused by name, nothing secret is shown."""

import json
import tomllib
from pathlib import Path

import pytest

from lienthong.gateway.errors import GatewayError
from lienthong.gateway.sections import Section
from lienthong.gateway.settings import Settings, SettingsError, describe

AXIS = {"name": "quoc-gia", "base_url": "https://truc.example/XrdAdapter/adapter", "system_id": "TEST.1"}


@pytest.fixture
def secret(tmp_path: Path) -> Path:
    path = tmp_path / "khoa.txt"
    path.write_text("TEST-bi-mat\n", encoding="utf-8")
    return path


def write(tmp_path: Path, text: str) -> Path:
    path = tmp_path / "lienthong.toml"
    path.write_text(text, encoding="utf-8")
    return path


def axes(secret: Path, **changes: object) -> dict[str, str]:
    return {"LIENTHONG_AXES": json.dumps([AXIS | {"secret_file": str(secret)} | changes])}


def test_nothing_given_is_a_node_on_this_machine_with_its_own_database() -> None:
    settings = Settings.load(None, {})
    assert settings.http.host == "127.0.0.1"
    assert settings.database.embedded
    assert settings.signing.mode == "verify"
    assert settings.axes == ()
    assert settings.data_dir == Path("lienthong-data").absolute()


def test_file_is_read_and_relative_paths_start_from_it(tmp_path: Path, secret: Path) -> None:
    path = write(
        tmp_path,
        'data_dir = "du-lieu"\n[http]\nport = 9000\n[[axes]]\nname = "quoc-gia"\n'
        'base_url = "http://127.0.0.1:8686/a"\nsystem_id = "TEST.1"\nsecret_file = "khoa.txt"\n',
    )
    settings = Settings.load(path, {})
    assert settings.data_dir == tmp_path / "du-lieu"
    assert settings.http.port == 9000
    assert settings.axes[0].secret_file.path == secret
    assert settings.axes[0].secret_file.read() == "TEST-bi-mat"


def test_environment_wins_over_the_file(tmp_path: Path) -> None:
    path = write(tmp_path, "[http]\nport = 9000\nmax_uploads = 3\n")
    settings = Settings.load(path, {"LIENTHONG_HTTP__PORT": "9001", "PATH": "/bin"})
    assert (settings.http.port, settings.http.max_uploads) == (9001, 3)


def test_the_variable_that_names_the_file_is_no_field(tmp_path: Path) -> None:
    assert Settings.load(None, {"LIENTHONG_CONFIG": str(tmp_path)}).http.port == 8180


@pytest.mark.parametrize(
    ("environ", "place"),
    [
        ({"LIENTHONG_HTPT__PORT": "1"}, "htpt: không có khóa này"),
        ({"LIENTHONG_HTTP__PROT": "1"}, "http.prot: không có khóa này"),
        ({"LIENTHONG_HTTP__PORT": "tám"}, "http.port: phải là số nguyên"),
        ({"LIENTHONG_HTTP__PORT": "70000"}, "http.port: không được quá 65535"),
        ({"LIENTHONG_HTTP__DECLARED_PROXY": "có"}, "http.declared_proxy: phải là true hoặc false"),
        ({"LIENTHONG_SIGNING__MODE": "off"}, "signing.mode: phải là một trong: 'verify' hoặc 'unsafe_off'"),
        ({"LIENTHONG_LIMITS__DEPHT": "3"}, "limits: không có khóa: depht"),
        ({"LIENTHONG_HTTP": "x"}, "http: phải là một mục [tên]"),
        ({"LIENTHONG_AXES": "[{"}, "LIENTHONG_AXES không phải JSON"),
        ({"LIENTHONG_AXES": '[{"name": "a"}]'}, "axes.0.base_url: thiếu khóa này"),
        ({"LIENTHONG_HTTP__HOST": "0.0.0.0"}, "nghe ở 0.0.0.0 phải có tls_cert_file"),
        ({"LIENTHONG_HTTP__TLS_CERT_FILE": "/khong/co"}, "http.tls_cert_file: không có tệp này"),
        ({"LIENTHONG_HTTP__MAX_BODY_BYTES": "1000"}, "max_file_bytes lớn hơn max_body_bytes"),
        ({"LIENTHONG_DATABASE__MIGRATE_DSN": "postgresql:///x"}, "có migrate_dsn mà không có dsn"),
        ({"LIENTHONG_INSTANCE": "Nút 1"}, "instance: sai dạng"),
    ],
)
def test_what_cannot_work_stops_the_start_by_name(environ: dict[str, str], place: str) -> None:
    with pytest.raises(SettingsError, match=r"^(Cấu hình|Biến)") as caught:
        Settings.load(None, environ)
    assert place in caught.value.message
    assert isinstance(caught.value, GatewayError)
    assert caught.value.code == "SETTINGS_INVALID"


def test_every_fault_is_told_at_once() -> None:
    with pytest.raises(SettingsError) as caught:
        Settings.load(None, {"LIENTHONG_A": "1", "LIENTHONG_HTTP__B": "1"})
    assert {fault.place for fault in caught.value.faults} == {"a", "http.b"}


@pytest.mark.parametrize(
    ("text", "said"), [("a = ", "sai cú pháp TOML"), ("[http]\nporrt = 1\n", "http.porrt: không có khóa này")]
)
def test_a_wrong_file_is_named(tmp_path: Path, text: str, said: str) -> None:
    path = write(tmp_path, text)
    with pytest.raises(SettingsError, match=said) as caught:
        Settings.load(path, {})
    assert str(path) in caught.value.message


def test_a_missing_file_is_named(tmp_path: Path) -> None:
    with pytest.raises(SettingsError, match="Không đọc được tệp cấu hình"):
        Settings.load(tmp_path / "khong-co.toml", {})


@pytest.mark.parametrize("environ", [{"LIENTHONG_HTTP__DECLARED_PROXY": "true"}, {"tls": ""}])
def test_elsewhere_than_this_machine_needs_tls_or_a_declared_proxy(environ: dict[str, str], secret: Path) -> None:
    if "tls" in environ:
        environ = {"LIENTHONG_HTTP__TLS_CERT_FILE": str(secret), "LIENTHONG_HTTP__TLS_KEY_FILE": str(secret)}
    settings = Settings.load(None, environ | {"LIENTHONG_HTTP__HOST": "10.0.0.5"})
    assert settings.http.host == "10.0.0.5"


@pytest.mark.parametrize(
    ("changes", "said"),
    [
        ({"base_url": "http://truc.example/a"}, "ngoài máy này phải dùng https"),
        ({"base_url": "truc.example"}, "không phải địa chỉ http hay https"),
        ({"name": "local"}, "dành cho văn bản giữa các đơn vị cùng nút"),
        ({"name": "Quốc gia"}, "axes.0.name: sai dạng"),
        ({"secret_file": "/khong/co"}, "axes.0.secret_file: tệp bí mật không có hoặc rỗng"),
        ({"code_system": "x"}, "axes.0.code_system"),
    ],
)
def test_an_axis_that_cannot_be_spoken_to_is_refused(secret: Path, changes: dict[str, str], said: str) -> None:
    with pytest.raises(SettingsError) as caught:
        Settings.load(None, axes(secret, **changes))
    assert said in caught.value.message


def test_plain_http_to_an_axis_must_be_declared(secret: Path) -> None:
    settings = Settings.load(None, axes(secret, base_url="http://truc.example/a", plain_http=True))
    assert not settings.axes[0].loopback


def test_two_axes_of_one_name_are_refused(secret: Path) -> None:
    rows = [AXIS | {"secret_file": str(secret)}] * 2
    with pytest.raises(SettingsError, match="trùng tên"):
        Settings.load(None, {"LIENTHONG_AXES": json.dumps(rows)})


def test_unverified_signatures_never_meet_a_real_axis(secret: Path) -> None:
    environ = axes(secret) | {"LIENTHONG_SIGNING__MODE": "unsafe_off"}
    with pytest.raises(SettingsError, match="unsafe_off"):
        Settings.load(None, environ)
    here = axes(secret, base_url="http://127.0.0.1:8686/a") | {"LIENTHONG_SIGNING__MODE": "unsafe_off"}
    assert Settings.load(None, here).signing.mode == "unsafe_off"


def test_a_dsn_comes_from_its_file(secret: Path) -> None:
    secret.write_text("postgresql://app:TEST@127.0.0.1/x\n", encoding="utf-8")
    settings = Settings.load(None, {"LIENTHONG_DATABASE__DSN_FILE": str(secret)})
    assert settings.database.dsn == "postgresql://app:TEST@127.0.0.1/x"
    with pytest.raises(SettingsError, match="chỉ được đặt một trong hai"):
        Settings.load(None, {"LIENTHONG_DATABASE__DSN_FILE": str(secret), "LIENTHONG_DATABASE__DSN": "postgresql:///x"})


def test_no_secret_is_ever_printed(secret: Path) -> None:
    environ = axes(secret) | {"LIENTHONG_DATABASE__DSN": "postgresql://app:TEST-pass@127.0.0.1/x"}
    settings = Settings.load(None, environ)
    shown = repr(settings) + str(settings.axes[0].secret_file) + describe(settings)
    assert "TEST-pass" not in shown
    assert "TEST-bi-mat" not in shown
    assert str(settings.axes[0].secret_file) == "***"


def test_what_config_prints_can_be_read_again(tmp_path: Path, secret: Path) -> None:
    settings = Settings.load(None, axes(secret) | {"LIENTHONG_PROVINCE_NAME": 'Tỉnh "Nam Định"'})
    printed = describe(settings)
    assert tomllib.loads(printed)["province_name"] == 'Tỉnh "Nam Định"'
    again = Settings.load(write(tmp_path, printed), {})
    assert describe(again) == printed


def test_settings_do_not_change() -> None:
    settings = Settings.load(None, {})
    with pytest.raises(ValueError, match="frozen"):
        settings.http.port = 1  # type: ignore[misc]


def test_every_field_says_what_it_means() -> None:
    sections = [section for section in Section.__subclasses__() if section is not Settings]
    bare = [f"{s.__name__}.{name}" for s in sections for name, field in s.model_fields.items() if not field.description]
    assert len(sections) == 14
    assert not bare
