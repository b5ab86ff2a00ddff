"""The command line: one short function per command. Heavy libraries load only in the command that needs them."""

import argparse
import functools
import os
import shlex
import sys
from collections.abc import Callable, Sequence
from pathlib import Path

from harness.errors import HarnessError
from harness.flags import build_parser

OK, FAILED, USAGE = 0, 1, 2


def main(arguments: Sequence[str] | None = None) -> int:
    """Runs a command; returns the exit code: 0 done, 1 a job failed or a check did, 2 wrong usage or
    input, 3 a check that cannot tell."""
    given = list(sys.argv[1:] if arguments is None else arguments)
    options = build_parser().parse_args(given)
    os.environ["HARNESS_COMMAND"] = shlex.join(["harness", *given])
    try:
        return COMMANDS[options.command](options)
    except BrokenPipeError:
        # The reader of our output (head, less) has gone; nothing is wrong.
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
        return OK
    except (HarnessError, OSError) as error:
        print(f"harness: {error}", file=sys.stderr)
        return USAGE
    except KeyboardInterrupt:
        print("harness: interrupted; run the same command again to go on from here", file=sys.stderr)
        return 130


def eval_command(options: argparse.Namespace) -> int:
    """Scores checkpoints on tasks: plan, run what is missing, print the table."""
    from rich.console import Console

    from harness.api import Watch, evaluate
    from harness.report.console import print_leaderboard, print_plan, progress_bars
    from harness.report.console_estimate import print_estimates

    flags = {key: value for key, value in vars(options).items() if key not in ("command", "quiet", "model", "tasks")}
    notes = Console(stderr=True, quiet=options.quiet)
    with progress_bars(options.quiet) as progress:
        watch = Watch(lambda plan: print_plan(plan, notes), progress)
        results = evaluate(options.model, options.tasks, watch=watch, **flags)
    if results.outcome is None:
        print_estimates(results.estimates, options.workers or 1, Console(quiet=options.quiet))
        return OK
    print_leaderboard(results.rows, Console(quiet=options.quiet))
    outcome = results.outcome
    done = f"{len(outcome.written)} results written, {len(outcome.kept)} kept, in {options.output}"
    shared = f"; {outcome.seconds:.0f} s of work by all workers" if options.executor != "local" else ""
    notes.print(f"{done}{shared}", style="dim", markup=False)
    return FAILED if outcome.failed else OK


def train_command(options: argparse.Namespace) -> int:
    """Trains a checkpoint on intermediate tasks."""
    from rich.console import Console

    from harness.api import Watch, make_checkpoint
    from harness.report.console import print_made, progress_bars

    flags = {key: value for key, value in vars(options).items() if key not in ("command", "quiet")}
    notes = Console(stderr=True, quiet=options.quiet)
    with progress_bars(options.quiet) as progress:
        watch = Watch(progress=progress, said=lambda text: notes.print(f"note  {text}", style="yellow"))
        made = make_checkpoint(watch=watch, **flags)
    if made.manifest:
        print_made(made.folder, made.manifest, made.kept, notes)
    return OK


def study_command(options: argparse.Namespace) -> int:
    """Trains recipes with several seeds, scores all alike, says which differ."""
    from rich.console import Console

    from harness.api import Watch
    from harness.report.console import progress_bars
    from harness.report.console_study import print_costs, print_study
    from harness.report.study.command import as_text
    from harness.study.flags import request_from
    from harness.study.run import run_study

    notes = Console(stderr=True, quiet=options.quiet)

    def say(text: str) -> None:
        notes.print(text, style="dim", markup=False, soft_wrap=True)

    with progress_bars(options.quiet) as progress:
        watch = Watch(progress=progress, said=say)
        outcome = run_study(request_from(options), watch, say, options.dry_run)
    if outcome.report is None or outcome.done is None:
        print_costs(outcome.estimated, outcome.notes, options.format, Console())
        return OK
    if options.format == "table":
        print_study(outcome.report, Console(quiet=options.quiet))
    else:
        print(as_text(outcome.report, options.format))
    done = outcome.done
    say(f"{len(done.run)} jobs done, {len(done.kept)} kept; tables in {options.output}")
    for name, reason in done.failed.items():
        Console(stderr=True).print(f"failed  {name}: {reason}", style="red", markup=False, soft_wrap=True)
    return FAILED if done.failed else OK


def leaderboard_command(options: argparse.Namespace) -> int:
    """Shows what a results folder holds, or writes it as a page."""
    if options.agreement:
        from harness.folder import open_folder
        from harness.report.agreement import agreement, as_table
        from harness.store import Store

        print(as_table(agreement(Store(open_folder(options.results)))))
        return OK
    from harness.report.console import progress_bars
    from harness.report.formats import as_text, write

    with progress_bars(options.quiet) as progress:
        written = write(options, progress)
    for path in written:
        print(path)
    if written:
        return OK
    text = as_text(options)
    if text is not None:
        print(text)
        return OK
    from rich.console import Console

    from harness.api import open_results
    from harness.report.console import print_leaderboard

    print_leaderboard(open_results(options.results).rows, Console())
    return OK


def compare_command(options: argparse.Namespace) -> int:
    """Tells where two checkpoints differ, which items flipped, or in which settings they differ."""
    from rich.console import Console

    from harness.report.compare.command import comparison_json, run
    from harness.report.console import progress_bars
    from harness.report.console_compare import print_causes, print_comparison, print_flips

    with progress_bars(options.quiet) as progress:
        done = run(options, progress)
    if options.format == "json":
        print(comparison_json(done))
        return OK
    console = Console()
    if done.comparison is None:
        print_causes(done.causes, console)
    else:
        print_comparison(done.comparison, console)
    if options.show and not options.why:
        print_flips(done.flips, console, options.data is not None)
    return OK


def check_command(options: argparse.Namespace) -> int:
    """Judges results against a baseline, or freezes one; the exit code is the verdict."""
    from rich.console import Console

    from harness.report.check.command import run
    from harness.report.check.summary import as_json, as_markdown
    from harness.report.console_check import print_gate

    done = run(options)
    if isinstance(done, str):
        print(done)
        return OK
    if options.format == "table":
        print_gate(done, Console(quiet=options.quiet))
    elif not options.quiet:
        print(as_json(done) if options.format == "json" else as_markdown(done))
    return done.code


def score_command(options: argparse.Namespace) -> int:
    """Scores a submission folder as the official XTREME scorer does."""
    import json

    from rich.console import Console

    from harness.report.console import print_submission
    from harness.report.submission import score_submission

    report = score_submission(Path(options.predictions), Path(options.labels), options.benchmark, options.pos_rule)
    if options.format == "json":
        print(json.dumps(report, ensure_ascii=False, indent=1))
    else:
        print_submission(report, Console())
    return OK


def export_command(options: argparse.Namespace) -> int:
    """Writes results as an official submission folder."""
    from harness.folder import open_folder
    from harness.report.export import export
    from harness.store import Store

    output = Path(options.output)
    done = export(Store(open_folder(options.results)), options.checkpoint, output, options.with_labels, options.setting)
    left_out = f"; not in the official layout: {', '.join(done.left_out)}" if done.left_out else ""
    print(f"{done.files} prediction files in {output}{left_out}")
    return OK


def mine_command(options: argparse.Namespace) -> int:
    """Mines translation pairs."""
    from rich.console import Console

    from harness.mining import estimate, mine
    from harness.mining.summary import summary
    from harness.report.console import progress_bars

    flags = {key: value for key, value in vars(options).items() if key not in ("command", "quiet", "format", "dry_run")}
    notes = Console(stderr=True, quiet=options.quiet)
    with progress_bars(options.quiet) as progress:
        if options.dry_run:
            text = summary(estimate(progress=progress, **flags), options.format)
        else:
            told = functools.partial(notes.print, style="dim", markup=False)
            text = summary(mine(progress=progress, told=told, **flags), options.format)
    if options.format == "json" or not options.quiet:
        print(text)
    return OK


def data_command(options: argparse.Namespace) -> int:
    """Lists, checks or fetches data sets; exit code 1 where `verify` found odd files, `overlap` any overlap."""
    from harness.flags.values import split_list
    from harness.report.console import progress_bars
    from harness.report.data import data_sets, fetch_tasks, verify

    if options.what == "list":
        print(data_sets(options.format))
        return OK
    with progress_bars(options.quiet) as progress:
        if options.what == "verify":
            text, sound = verify(options.data, options.format, progress)
        elif options.what == "overlap":
            from harness.report.overlap import overlap_report

            codes = None if options.languages is None else split_list(options.languages)
            asked = (split_list(options.tasks), codes)
            text, sound = overlap_report(options.manifest, asked, options.data, options.format, progress)
        else:
            languages = None if options.languages is None else split_list(options.languages)
            text, sound = fetch_tasks(split_list(options.tasks), languages, options.data, progress), True
    print(text)
    return OK if sound else FAILED


def list_command(options: argparse.Namespace) -> int:
    """Prints tasks, models or kinds."""
    from harness.report.listing import listing
    from harness.tasks import include

    include(options.include)
    print(listing(options.what, options.format))
    return OK


def doctor_command(options: argparse.Namespace) -> int:
    """Tells what this machine and, with --model, a checkpoint can do; exit code 2 where that is none."""
    from harness.doctor import as_json, as_text, doctor

    report = doctor(options.model, options.trust_remote_code)
    print(as_json(report) if options.format == "json" else as_text(report))
    return OK if report.opened else USAGE


def lm_eval_command(options: argparse.Namespace) -> int:
    """Calls lm-eval's command line."""
    from harness.protocols.lm_eval_command import run

    return run(options.rest)


COMMANDS: dict[str, Callable[[argparse.Namespace], int]] = {
    "eval": eval_command,
    "train": train_command,
    "study": study_command,
    "leaderboard": leaderboard_command,
    "compare": compare_command,
    "check": check_command,
    "score": score_command,
    "export": export_command,
    "mine": mine_command,
    "data": data_command,
    "list": list_command,
    "doctor": doctor_command,
    "lm-eval": lm_eval_command,
}
