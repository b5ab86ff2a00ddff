"""Every code that a supported benchmark writes resolves, to one language only, and back."""

import subprocess
import sys
from pathlib import Path

import pytest

from harness.errors import HarnessError
from harness.languages import (
    FLORES_LANGUAGES,
    TATOEBA_LANGUAGES,
    Language,
    flores_code,
    language,
    normalise,
    normalise_all,
    tatoeba_code,
)

FLORES = """
ace_Arab ace_Latn acm_Arab acq_Arab aeb_Arab afr_Latn ajp_Arab aka_Latn als_Latn amh_Ethi apc_Arab arb_Arab
arb_Latn ars_Arab ary_Arab arz_Arab asm_Beng ast_Latn awa_Deva ayr_Latn azb_Arab azj_Latn bak_Cyrl bam_Latn
ban_Latn bel_Cyrl bem_Latn ben_Beng bho_Deva bjn_Arab bjn_Latn bod_Tibt bos_Latn bug_Latn bul_Cyrl cat_Latn
ceb_Latn ces_Latn cjk_Latn ckb_Arab crh_Latn cym_Latn dan_Latn deu_Latn dik_Latn dyu_Latn dzo_Tibt ell_Grek
eng_Latn epo_Latn est_Latn eus_Latn ewe_Latn fao_Latn fij_Latn fin_Latn fon_Latn fra_Latn fur_Latn fuv_Latn
gaz_Latn gla_Latn gle_Latn glg_Latn grn_Latn guj_Gujr hat_Latn hau_Latn heb_Hebr hin_Deva hne_Deva hrv_Latn
hun_Latn hye_Armn ibo_Latn ilo_Latn ind_Latn isl_Latn ita_Latn jav_Latn jpn_Jpan kab_Latn kac_Latn kam_Latn
kan_Knda kas_Arab kas_Deva kat_Geor kaz_Cyrl kbp_Latn kea_Latn khk_Cyrl khm_Khmr kik_Latn kin_Latn kir_Cyrl
kmb_Latn kmr_Latn knc_Arab knc_Latn kon_Latn kor_Hang lao_Laoo lij_Latn lim_Latn lin_Latn lit_Latn lmo_Latn
ltg_Latn ltz_Latn lua_Latn lug_Latn luo_Latn lus_Latn lvs_Latn mag_Deva mai_Deva mal_Mlym mar_Deva min_Arab
min_Latn mkd_Cyrl mlt_Latn mni_Beng mos_Latn mri_Latn mya_Mymr nld_Latn nno_Latn nob_Latn npi_Deva nso_Latn
nus_Latn nya_Latn oci_Latn ory_Orya pag_Latn pan_Guru pap_Latn pbt_Arab pes_Arab plt_Latn pol_Latn por_Latn
prs_Arab quy_Latn ron_Latn run_Latn rus_Cyrl sag_Latn san_Deva sat_Olck scn_Latn shn_Mymr sin_Sinh slk_Latn
slv_Latn smo_Latn sna_Latn snd_Arab som_Latn sot_Latn spa_Latn srd_Latn srp_Cyrl ssw_Latn sun_Latn swe_Latn
swh_Latn szl_Latn tam_Taml taq_Latn taq_Tfng tat_Cyrl tel_Telu tgk_Cyrl tgl_Latn tha_Thai tir_Ethi tpi_Latn
tsn_Latn tso_Latn tuk_Latn tum_Latn tur_Latn twi_Latn tzm_Tfng uig_Arab ukr_Cyrl umb_Latn urd_Arab uzn_Latn
vec_Latn vie_Latn war_Latn wol_Latn xho_Latn ydd_Hebr yor_Latn yue_Hant zho_Hans zho_Hant zsm_Latn zul_Latn
"""
BELEBELE_ONLY = "ben_Latn hin_Latn npi_Latn sin_Latn urd_Latn"
TATOEBA = """
afr amh ang ara arq arz ast awa aze bel ben ber bos bre bul cat cbk ceb ces cha cmn cor csb cym dan deu dsb
dtp ell epo est eus fao fin fra fry gla gle glg gsw heb hin hrv hsb hun hye ido ile ina ind isl ita jav jpn
kab kat kaz khm kor kur kzj lat lfn lit lvs mal mar max mhr mkd mon nds nld nno nob nov oci orv pam pes pms
pol por ron rus slk slv spa sqi srp swe swg swh tam tat tel tgl tha tuk tur tzl uig ukr urd uzb vie war wuu
xho yid yue zsm
"""
XTREME = """
af ar bg bn de el en es et eu fa fi fr he hi hu id it ja jv ka kk ko ml mr ms my nl pt ru sw ta te th tl tr
ur vi yo zh
"""
XTREME_R = XTREME + "az gu ht lt pa pl qu ro uk wo"
GLOBAL_MMLU = """
am ar bn cs de el en es fa fil fr ha he hi id ig it ja ko ky lt mg ms ne nl ny pl pt ro ru si sn so sr sv sw
te tr uk vi yo zh
"""
MMMLU = "AR_XY BN_BD DE_DE ES_LA FR_FR HI_IN ID_ID IT_IT JA_JP KO_KR PT_BR SW_KE YO_NG ZH_CN"
OKAPI = """
ar bn ca da de en es eu fr gu hi hr hu hy id is it kn ml mr nb ne nl pt ro ru sk sr sv ta te uk vi zh
"""
PROX = "af ar bn cs de en es fr hi hu id it ja ko mr ne pt ru sr sw te th uk ur vi wo yo zh zu"
CROSSMODAL = """
ar bn cs da de el en es fa fi fil fr he hi hr hu id it ja ko mi nl no pl pt quz ro ru sv sw te th tr uk vi zh
"""
SOURCES = {
    "flores": (FLORES, 204),
    "belebele": (BELEBELE_ONLY, 5),
    "tatoeba": (TATOEBA, 112),
    "xtreme": (XTREME, 40),
    "xtreme-r": (XTREME_R, 50),
    "global mmlu": (GLOBAL_MMLU, 42),
    "mmmlu": (MMMLU, 14),
    "okapi": (OKAPI, 34),
    "mmlu-prox": (PROX, 29),
    "crossmodal-3600": (CROSSMODAL, 36),
}
LISTS = {name: codes.split() for name, (codes, _) in SOURCES.items()}

ALIASES = """
de deu=ger=deu_Latn=DE_DE=de-DE=German=german=GERMAN=de-de
zh zho=chi=cmn=zho_Hans=zh_Hans=zh-Hans=zh-CN=zh-cn=ZH_CN=cmn_Hani=cmn_hans_cn=Mandarin=zh-Hans-HK
zh-Hant zho_Hant=zh_hant=zh-TW=zh-tw=ZH_HK=cmn_Hant
ar ara=arb=arb_Arab=AR_XY
ar-Latn arb_Latn
et est=ekk=est_Latn
fa fas=per=pes=Farsi=Persian
ms msa=may=zsm
lv lav=lvs
nb nob=no=nor=Norwegian
nn nno
sq sqi=alb=als
az aze=azj
azb azb_Arab
uz uzb=uzn
mg mlg=plt
or ori=ory
ps pus=pbt
yi yid=ydd
ne nep=npi
mn mon=khk
om orm=gaz
qu que=quy
gn grn
ay aym=ayr
ku kur=kmr
sw swa=swh=SW_KE=Swahili
es ES_LA=es_419=es-419
pt PT_BR=pt-br=pt-PT
bn BN_BD
yo YO_NG
he iw
jv jw
id in
sr srp_Cyrl=sr-Cyrl
sr-Latn srp_Latn=sr_latn=sh
ks kas_Arab=kas
ks-Deva kas_Deva
ace-Arab ace_Arab
tl tgl=fil=Filipino
ko ko_Kore=kor_Hang=ko-KR
nso Northern Sotho=northern sotho
am am_et
""".strip().splitlines()


@pytest.mark.parametrize("name", LISTS)
def test_every_code_of_a_benchmark_resolves(name: str) -> None:
    codes, count = LISTS[name], SOURCES[name][1]
    assert len(set(codes)) == len(codes) == count
    for code in codes:
        found = language(code)
        assert found.code == normalise(code)
        assert all((found.name, found.family, found.script)), code
    assert len({normalise(code) for code in codes}) == count  # no two languages of a list meet


def test_round_trips() -> None:
    for name in ("flores", "belebele"):
        assert [flores_code(normalise(code)) for code in LISTS[name]] == LISTS[name]
    assert [tatoeba_code(normalise(code)) for code in LISTS["tatoeba"]] == LISTS["tatoeba"]


def test_language_lists_of_the_retrieval_sets() -> None:
    assert {flores_code(code) for code in FLORES_LANGUAGES} == set(LISTS["flores"])
    assert {tatoeba_code(code) for code in TATOEBA_LANGUAGES} == set(LISTS["tatoeba"])
    assert (len(FLORES_LANGUAGES), len(TATOEBA_LANGUAGES)) == (204, 112)
    assert [normalise(code) for code in FLORES_LANGUAGES] == list(FLORES_LANGUAGES)
    assert set(LISTS["xtreme-r"]) - {"yo", "my", "pa", "gu", "qu", "ht", "wo"} <= {*TATOEBA_LANGUAGES, "en"}


def test_normalise_is_idempotent_and_shortest() -> None:
    for codes in LISTS.values():
        for code in codes:
            short = normalise(code)
            assert normalise(short) == short
            assert len(short) <= len(code)


def test_two_letter_codes_stay_as_they_are() -> None:
    for code in {*LISTS["xtreme-r"], *LISTS["okapi"], *LISTS["mmlu-prox"]}:
        assert normalise(code) == code


@pytest.mark.parametrize("line", ALIASES)
def test_aliases(line: str) -> None:
    code, spellings = line.split(" ", 1)
    assert {spelling: normalise(spelling) for spelling in spellings.split("=")} == dict.fromkeys(
        spellings.split("="), code
    )


def test_no_spelling_means_two_languages() -> None:
    path = Path(__file__).resolve().parents[1] / "harness" / "language_table.tsv"
    seen: dict[str, str] = {}
    for line in path.read_text(encoding="utf-8").splitlines()[1:]:
        code, iso3, _, tatoeba, name, _, _, _, aliases = line.split("\t")
        for spelling in {s.lower() for s in (code, iso3, tatoeba, name, *aliases.split(","))} - {"-"}:
            assert seen.setdefault(spelling, code) == code, spelling
    assert len(set(seen.values())) == len(path.read_text(encoding="utf-8").splitlines()) - 1


def test_names_scripts_families() -> None:
    assert language("deu") == Language("de", "German", "Latn", "Indo-European", "Germanic")
    assert language("sw") == Language("sw", "Swahili", "Latn", "Niger-Congo", "Bantu")
    assert language("ko") == Language("ko", "Korean", "Hang", "Koreanic", "")
    assert language("zho_Hant") == Language("zh-Hant", "Chinese (Traditional)", "Hant", "Sino-Tibetan", "Sinitic")
    assert language("kas_Deva").name == "Kashmiri (Devanagari)"


def test_names_resolve_to_their_own_language() -> None:
    for code in {normalise(code) for codes in LISTS.values() for code in codes if "_" not in code}:
        assert normalise(language(code).name) == code


def test_differing_spellings_of_tatoeba_and_flores() -> None:
    assert [tatoeba_code(code) for code in ("zh", "fa", "ms", "lv", "ar", "sq", "mn")] == [
        "cmn", "pes", "zsm", "lvs", "ara", "sqi", "mon",
    ]  # fmt: skip
    assert [flores_code(code) for code in ("zh", "ar", "sq", "mn", "ur-Latn", "br")] == [
        "zho_Hans", "arb_Arab", "als_Latn", "khk_Cyrl", "urd_Latn", "bre_Latn",
    ]  # fmt: skip
    with pytest.raises(HarnessError, match=r"no files for Chinese \(Traditional\) .* use zh"):
        tatoeba_code("zh-Hant")
    with pytest.raises(HarnessError, match=r"no files for Yoruba \(yo\)"):
        tatoeba_code("yo")


@pytest.mark.parametrize(
    "code",
    ["", "xx", "deu-eng", "de_Xxxx", "cat_Latn_vale1252", "de--DE", "german language", "de-DE-DE", "-"],
)
def test_unknown_codes_are_refused(code: str) -> None:
    with pytest.raises(HarnessError, match="Unknown language"):
        normalise(code)


@pytest.mark.parametrize("pair", ["en-de", "de-en", "es-ar", "zh-en", "DE-EN", "ES-LA", "zh-EN"])
def test_pairs_are_not_read_as_regions(pair: str) -> None:
    with pytest.raises(HarnessError, match="reads as a pair"):
        normalise(pair)


def test_the_nearest_spellings_are_named() -> None:
    with pytest.raises(HarnessError, match="german"):
        normalise("Germn")


def test_a_list_reports_all_unknown_names_at_once() -> None:
    assert normalise_all(["deu", "zh_CN", "de", "Swahili"]) == ("de", "zh", "sw")
    assert normalise_all([]) == ()
    with pytest.raises(HarnessError) as caught:
        normalise_all(["de", "xx", "qq", "sw"])
    assert "'xx'" in str(caught.value)
    assert "'qq'" in str(caught.value)
    assert "'de'" not in str(caught.value)


def test_published_file_names_round_trip(shared: Path) -> None:
    flores = sorted(path.stem for path in (shared / "data" / "flores200" / "devtest").iterdir())
    tatoeba = sorted({path.name.split(".")[1].split("-")[0] for path in (shared / "data" / "tatoeba").iterdir()})
    assert len(flores) == len(tatoeba) == 12
    assert [flores_code(normalise(code)) for code in flores] == flores
    assert [tatoeba_code(normalise(code)) for code in tatoeba] == tatoeba


def test_import_is_quick_and_loads_nothing_heavy() -> None:
    program = (
        "import sys, time, dataclasses, difflib, pathlib, harness.errors\n"
        "start = time.perf_counter()\n"
        "import harness.languages as languages\n"
        "print(time.perf_counter() - start)\n"
        "print(*({'numpy', 'torch', 'transformers', 'datasets', 'csv', 'json'} & set(sys.modules)))\n"
    )
    out = subprocess.run([sys.executable, "-c", program], capture_output=True, text=True, check=True).stdout
    seconds, heavy = out.split("\n")[:2]
    assert heavy.strip() == ""
    assert float(seconds) < 0.05  # about 4 ms on a quiet machine
