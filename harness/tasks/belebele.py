"""Belebele: 900 questions on FLORES-200 passages, parallel in 122 languages and scripts (Bandarkar et al. 2024)."""

from functools import cache
from pathlib import Path

from harness.errors import HarnessError
from harness.languages import normalise
from harness.metrics.exam import exam_marks, exam_metrics
from harness.tasks.english_exams import train_exam
from harness.tasks.exam import Row, exam, first_file, read_records
from harness.tasks.json_rows import fields
from harness.tasks.source import Source
from harness.tasks.task import Loaded, Task

CODES = """
acm_Arab afr_Latn als_Latn amh_Ethi apc_Arab arb_Arab arb_Latn ars_Arab ary_Arab arz_Arab asm_Beng azj_Latn
bam_Latn ben_Beng ben_Latn bod_Tibt bul_Cyrl cat_Latn ceb_Latn ces_Latn ckb_Arab dan_Latn deu_Latn ell_Grek
eng_Latn est_Latn eus_Latn fin_Latn fra_Latn fuv_Latn gaz_Latn grn_Latn guj_Gujr hat_Latn hau_Latn heb_Hebr
hin_Deva hin_Latn hrv_Latn hun_Latn hye_Armn ibo_Latn ilo_Latn ind_Latn isl_Latn ita_Latn jav_Latn jpn_Jpan
kac_Latn kan_Knda kat_Geor kaz_Cyrl kea_Latn khk_Cyrl khm_Khmr kin_Latn kir_Cyrl kor_Hang lao_Laoo lin_Latn
lit_Latn lug_Latn luo_Latn lvs_Latn mal_Mlym mar_Deva mkd_Cyrl mlt_Latn mri_Latn mya_Mymr nld_Latn nob_Latn
npi_Deva npi_Latn nso_Latn nya_Latn ory_Orya pan_Guru pbt_Arab pes_Arab plt_Latn pol_Latn por_Latn ron_Latn
rus_Cyrl shn_Mymr sin_Latn sin_Sinh slk_Latn slv_Latn sna_Latn snd_Arab som_Latn sot_Latn spa_Latn srp_Cyrl
ssw_Latn sun_Latn swe_Latn swh_Latn tam_Taml tel_Telu tgk_Cyrl tgl_Latn tha_Thai tir_Ethi tsn_Latn tso_Latn
tur_Latn ukr_Cyrl urd_Arab urd_Latn uzn_Latn vie_Latn war_Latn wol_Latn xho_Latn yor_Latn zho_Hans zho_Hant
zsm_Latn zul_Latn
"""


@cache
def codes() -> dict[str, str]:
    """Our code -> the file's."""
    return {normalise(code): code for code in CODES.split()}


def load(source: Source, language: str, split: str, limit: int | None) -> Loaded:
    """`deu_Latn.jsonl`, in the folder or in its subfolder `data`. It has one split and no solved examples."""
    name = codes()[language]
    path = first_file(source.root / "belebele", [f"{name}.jsonl", f"data/{name}.jsonl", f"{name}/test*.*"])
    return exam(read_belebele(path), "test", limit)


def read_belebele(path: Path) -> list[Row]:
    """The id is the passage's link and the question's number, the same in every language; the cluster is the id."""
    out = []
    names = ["link", "question_number", "flores_passage", "question", "correct_answer_num"]
    for where, row in read_records(path):
        link, number, passage, question, right = fields(row, names, where)
        options = tuple(map(str, fields(row, [f"mc_answer{at}" for at in range(1, 5)], where)))
        answer = int(right) - 1 if str(right) in ("1", "2", "3", "4") else None
        out.append(Row(f"{link}#{number}", "", str(question), options, answer, str(passage)))
    if len({row.id for row in out}) < len(out):
        raise HarnessError(f"{path}: a question stands twice (link and question_number).", "Fetch the file again.")
    return out


TASK = Task(
    name="belebele",
    title="Belebele reading comprehension",
    form="choice",
    languages=tuple(sorted(codes())),
    protocols=("prompt", "head", "transfer"),
    metrics=exam_metrics,
    load=load,
    accepts=lambda code: code in codes(),
    files="belebele/<lng>_<Script>.jsonl",
    joint=True,
    source="facebookresearch/belebele",
    licence="CC BY-SA 4.0",
    train=train_exam,
    marks=exam_marks,
)
