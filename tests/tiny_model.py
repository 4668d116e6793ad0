"""Tiny random models with real tokenizers, and adapters for them, made on the fly from a seed.

Their weights are drawn wide, so that the best next token is always clearly the best: rounding that
differs between batch shapes cannot change a greedy reply.
"""

from __future__ import annotations

import warnings
from pathlib import Path
from typing import Any

import torch
from tokenizers import Tokenizer, decoders, models, pre_tokenizers, trainers
from transformers import (
    AutoModelForCausalLM,
    GPT2Config,
    GPT2LMHeadModel,
    LlamaConfig,
    LlamaForCausalLM,
    PreTrainedTokenizerFast,
)

CHATML = (
    "{% for message in messages %}<|im_start|>{{ message['role'] }}\n"
    "{{ message['content'] }}<|im_end|>\n{% endfor %}"
    "{% if add_generation_prompt %}<|im_start|>assistant\n{% endif %}"
)

_CORPUS = [
    "the quick brown fox jumps over the lazy dog and asks who is there, hello, how are you today",
    "user assistant system User: Assistant: You are Thumbwise, a friendly member of this chat.",
    "it is a good day to learn something new, thank you, please, yes, no, maybe, of course",
]

WINDOW = 512
"""The window of the tiny models, in tokens."""


def make_llama(directory: Path, *, seed: int = 0) -> Path:
    """Write a tiny Llama with a ChatML template into `directory`."""
    tokenizer = _tokenizer(chat_template=CHATML)
    torch.manual_seed(seed)
    config = LlamaConfig(
        vocab_size=len(tokenizer),
        hidden_size=64,
        intermediate_size=96,
        num_hidden_layers=3,
        num_attention_heads=4,
        num_key_value_heads=2,
        max_position_embeddings=WINDOW,
        initializer_range=0.3,
        tie_word_embeddings=False,
        bos_token_id=tokenizer.bos_token_id,
        eos_token_id=tokenizer.eos_token_id,
        pad_token_id=tokenizer.pad_token_id,
    )
    return _save(LlamaForCausalLM(config), tokenizer, directory)


def make_gpt2(directory: Path, *, seed: int = 0) -> Path:
    """Write a tiny GPT-2 (Conv1D layers, learned positions) without a template into `directory`."""
    tokenizer = _tokenizer(chat_template=None)
    torch.manual_seed(seed)
    config = GPT2Config(
        vocab_size=len(tokenizer),
        n_embd=64,
        n_layer=3,
        n_head=4,
        n_positions=WINDOW,
        initializer_range=0.4,
        tie_word_embeddings=False,
        bos_token_id=tokenizer.eos_token_id,
        eos_token_id=tokenizer.eos_token_id,
        pad_token_id=tokenizer.pad_token_id,
    )
    return _save(GPT2LMHeadModel(config), tokenizer, directory)


def make_adapter(
    directory: Path,
    model_dir: Path,
    *,
    seed: int,
    rank: int = 4,
    scale: float = 1.0,
    targets: str | list[str] = "all-linear",
    **settings: Any,
) -> Path:
    """Write a random LoRA of a model as peft writes it; `scale` widens its random weights."""
    from peft import LoraConfig, get_peft_model

    torch.manual_seed(seed)
    model = AutoModelForCausalLM.from_pretrained(model_dir, dtype=torch.float32)
    config = LoraConfig(
        task_type="CAUSAL_LM", r=rank, lora_alpha=3 * rank, target_modules=targets, **settings
    )
    with warnings.catch_warnings():
        warnings.filterwarnings("ignore", "fan_in_fan_out is set to False")
        adapted = get_peft_model(model, config)
    with torch.no_grad():
        for name, parameter in adapted.named_parameters():
            if "lora_" in name:
                parameter.normal_(std=scale * 0.2)
    adapted.save_pretrained(str(directory))
    return directory


def _tokenizer(*, chat_template: str | None) -> PreTrainedTokenizerFast:
    core = Tokenizer(models.BPE())
    core.pre_tokenizer = pre_tokenizers.ByteLevel(add_prefix_space=False)
    core.decoder = decoders.ByteLevel()
    special = ["<|endoftext|>", "<|im_start|>", "<|im_end|>"]
    trainer = trainers.BpeTrainer(
        vocab_size=400,
        special_tokens=special,
        initial_alphabet=pre_tokenizers.ByteLevel.alphabet(),
        show_progress=False,
    )
    core.train_from_iterator(_CORPUS, trainer)
    end = "<|im_end|>" if chat_template else "<|endoftext|>"
    make: Any = PreTrainedTokenizerFast  # carries no types
    tokenizer: PreTrainedTokenizerFast = make(
        tokenizer_object=core, bos_token=special[1], eos_token=end, pad_token=end
    )
    tokenizer.chat_template = chat_template
    return tokenizer


def _save(model: Any, tokenizer: PreTrainedTokenizerFast, directory: Path) -> Path:
    model.generation_config.pad_token_id = tokenizer.pad_token_id
    model.save_pretrained(directory)
    tokenizer.save_pretrained(directory)
    return directory
