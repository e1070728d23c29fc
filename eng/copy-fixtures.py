#!/usr/bin/env python3
"""Copies the reference numbers that tests use into test/fixtures, without the texts that they were made from.

usage: eng/copy-fixtures.py SOURCE      SOURCE is the folder with the whole collection (models/, losses/, trajectories/, ...)
"""
import json
import pathlib
import shutil
import sys

FILES = [
    *(f"models/{name}" for name in (
        "gpt2", "gpt2_bin", "gpt2_f16", "gpt2_noprefix", "gpt2_seqcls1", "gpt2_value_head", "llama", "llama3_rope", "llama_bf16",
        "llama_linear_rope", "llama_seqcls1", "llama_sharded", "llama_value_head", "mistral", "qwen2", "gpt_neo", "gptj",
        "gpt_neox", "opt", "opt_proj", "bloom", "falcon", "falcon_alibi", "qwen3", "phi", "phi3", "gemma", "gemma2", "t5",
        "lora_bloom", "lora_gpt2", "lora_gpt_neox", "lora_llama", "lora_opt", "lora_t5")),
    *(f"losses/{name}" for name in (
        "batch_logps_v0114.safetensors", "dpo_v0114.json", "dpo_v0114.safetensors", "dpo_v190.json", "dpo_v190.safetensors",
        "grpo_v190.json", "grpo_v190.safetensors", "kto_bco_v0114.json", "kto_bco_v0114.safetensors", "kto_v190.json",
        "kto_v190.safetensors", "orpo_cpo_v190.json", "orpo_cpo_v190.safetensors", "rloo_v190.json", "rloo_v190.safetensors",
        "ppo_classic_v0114.json", "ppo_classic_v0114.safetensors", "reward_v190.json", "reward_v190.safetensors", "sft_v190.json",
        "sft_v190.safetensors", "utils_v190.safetensors")),
    *(f"trajectories/{name}" for name in (
        "lr_schedules.json", "optimizers.safetensors",
        "models/gpt2", "models/gpt2_ppo_ref", "models/gpt2_ref", "models/gpt2_reward", "models/gpt2_value", "models/llama", "models/llama_ref",
        "sft_gpt2_chunked", "sft_gpt2_completion_ga2", "sft_gpt2_dft", "sft_gpt2_nll", "sft_gpt2_packing_wrapped",
        "sft_llama_assistant_only", "sft_llama_chat", "sft_llama_nll", "sft_llama_packing_bfd", "sft_llama_packing_bfd_split",
        "sft_lora_llama", "sft_lora_llama_all", "sft_lora_llama_adapter_init", "sft_lora_llama_all_adapter_init", "dpo_lora_llama",
        "reward_gpt2", "reward_gpt2_center_margin",
        "dpo_gpt2_ipo_ga2", "dpo_gpt2_precompute", "dpo_gpt2_sigmoid", "dpo_gpt2_sync_ref", "dpo_llama_chat_mpo",
        "kto_gpt2", "kto_gpt2_apo", "orpo_gpt2", "cpo_gpt2_sigmoid", "simpo_gpt2",
        "grpo_gpt2", "grpo_gpt2_dapo", "grpo_gpt2_drgrpo_iter2", "grpo_gpt2_gspo", "rloo_gpt2", "rloo_gpt2_norm",
        "ppo_experimental_gpt2", "ppo_experimental_gpt2_k3_whiten",
        "ppo_classic_gpt2", "ppo_classic_gpt2_abs_whiten_norm", "ppo_classic_gpt2_earlystop", "ppo_classic_gpt2_full_kl",
        "ppo_classic_gpt2_left", "ppo_classic_gpt2_mse_clip")),
    "generation/processors.json", "generation/processors.safetensors",
    "data_utils/packing.json", "data_utils/functions.json", "data_utils/collators.json", "data_utils/collators_v0114.json",
]


def without_texts(path, value):
    """The same JSON without texts: rows of a run, and what collators were given as texts."""
    if path.name == "run.json":
        return {key: entry for key, entry in value.items() if key != "rows"}
    if path.name == "collators_v0114.json":
        return [{key: entry for key, entry in case.items() if key != "texts"} for case in value]
    return None


def group_rewards(source):
    """What the two rewards of the grpo_* and rloo_* runs, given in the notes of run.json, say of their completions."""
    run = json.loads((source / "trajectories/grpo_gpt2/run.json").read_text("utf-8"))
    tokenizer = json.loads((source / run["tokenizer"] / "tokenizer.json").read_text("utf-8"))
    tokens = {token: text for text, token in tokenizer["model"]["vocab"].items()}
    special = {entry["id"] for entry in tokenizer["added_tokens"] if entry["special"]}
    printable = [*range(33, 127), *range(161, 173), *range(174, 256)]
    others = [byte for byte in range(256) if byte not in printable]
    byte_of = {chr(byte): byte for byte in printable} | {chr(256 + place): byte for place, byte in enumerate(others)}

    def text(ids):
        return bytes(byte_of[char] for token in ids if token not in special for char in tokens[token]).decode("utf-8", "replace")

    texts = [[text(ids) for ids in generation["completion_ids"]] for generation in run["extra"]["generations"]]
    return {
        "reward_len": [[round(len(set(answer)) / 10, 6) for answer in generation] for generation in texts],
        "reward_e": [[answer.count("e") - 0.5 * answer.count(" ") for answer in generation] for generation in texts],
    }


def main(source, target):
    (target / "trajectories/group_rewards.json").write_text(json.dumps(group_rewards(source)) + "\n", "utf-8")
    for name in FILES:
        for file in sorted((source / name).rglob("*")) if (source / name).is_dir() else [source / name]:
            copy = target / file.relative_to(source)
            copy.parent.mkdir(parents=True, exist_ok=True)
            kept = without_texts(file, json.loads(file.read_text("utf-8"))) if file.suffix == ".json" else None
            if kept is None:
                shutil.copyfile(file, copy)
            else:
                copy.write_text(json.dumps(kept, ensure_ascii=False, separators=(",", ":")) + "\n", "utf-8")


if __name__ == "__main__":
    main(pathlib.Path(sys.argv[1]), pathlib.Path(__file__).resolve().parent.parent / "test" / "fixtures")
