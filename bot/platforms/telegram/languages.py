"""What the commands mean, in the languages that Telegram's menus are told; English is the rest's.

The keys of `LANGUAGES` are ISO 639-1 codes, those of `meanings` the commands' names, and those of
`words` the words in capitals that a command's usage has for what a person fills in.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Final


@dataclass(frozen=True, slots=True)
class Language:
    """How one language says it."""

    meanings: Mapping[str, str]
    words: Mapping[str, str]


_GERMAN: Final = Language(
    {
        "start": "Hallo sagen",
        "chat": "mit mir reden",
        "better": "was ich hätte sagen sollen, als Antwort auf mich",
        "help": "was ich kann",
        "reset": "das Gespräch hier neu beginnen",
        "status": "wie es mir geht",
        "privacy": "was ich speichere und was du mir erlaubst",
        "forget": "löschen, was ich von dir habe",
        "flag": "eine Antwort den Moderatoren melden",
        "review": "die nächste Antwort, die auf einen Moderator wartet",
        "approve": "aus dieser Antwort darf ich lernen",
        "reject": "aus dieser Antwort darf ich nicht lernen",
        "correct": "stattdessen eine bessere Antwort lernen",
        "skip": "diese Antwort offen lassen",
        "why": "wie diese Antwort entstanden ist",
        "ban": "die Stimmen einer Person nicht mehr zählen",
        "unban": "die Stimmen einer Person wieder zählen",
        "train": "eine Lernrunde",
        "adapters": "was ich gelernt habe, nach Versionen",
        "promote": "eine Version einsetzen",
        "rollback": "zu dem zurückkehren, was vorher galt",
        "learning": "wann ich lerne",
        "persona": "wer ich in diesem Kanal bin",
        "channel": "wann ich hier antworte",
        "announce": "ob ich hier erzähle, was ich lerne",
        "stats": "Bewertungen, Zustimmung und Verlustwerte im Lauf der Zeit",
    },
    {
        "TEXT": "TEXT",
        "WHY": "GRUND",
        "WHO": "WER",
        "NUMBER": "NUMMER",
        "VERSION": "VERSION",
        "WHEN": "WANN",
    },
)

_SPANISH: Final = Language(
    {
        "start": "saludar",
        "chat": "hablar conmigo",
        "better": "lo que debí decir, en respuesta a un mensaje mío",
        "help": "lo que sé hacer",
        "reset": "empezar de nuevo la conversación aquí",
        "status": "cómo me va",
        "privacy": "qué guardo y qué decides tú",
        "forget": "borrar lo que tengo de ti",
        "flag": "denunciar una respuesta a los moderadores",
        "review": "la próxima respuesta que espera a un moderador",
        "approve": "puedo aprender de esta respuesta",
        "reject": "no debo aprender de esta respuesta",
        "correct": "aprender en su lugar una respuesta mejor",
        "skip": "dejar esta respuesta sin decidir",
        "why": "cómo surgió esta respuesta",
        "ban": "ignorar los votos de alguien",
        "unban": "volver a contar los votos de alguien",
        "train": "una ronda de aprendizaje",
        "adapters": "lo que he aprendido, por versiones",
        "promote": "poner en uso una versión",
        "rollback": "volver a lo que se usaba antes",
        "learning": "cuándo aprendo",
        "persona": "quién soy en este canal",
        "channel": "cuándo respondo aquí",
        "announce": "si cuento aquí lo que aprendo",
        "stats": "valoraciones, aprobación y pérdidas a lo largo del tiempo",
    },
    {
        "TEXT": "TEXTO",
        "WHY": "MOTIVO",
        "WHO": "QUIÉN",
        "NUMBER": "NÚMERO",
        "VERSION": "VERSIÓN",
        "WHEN": "CUÁNDO",
    },
)

_FRENCH: Final = Language(
    {
        "start": "dire bonjour",
        "chat": "me parler",
        "better": "ce que j'aurais dû dire, en réponse à un de mes messages",
        "help": "ce que je sais faire",
        "reset": "recommencer ici la conversation",
        "status": "comment je vais",
        "privacy": "ce que je garde, et vos choix",
        "forget": "effacer ce que j'ai de vous",
        "flag": "signaler une réponse aux modérateurs",
        "review": "la prochaine réponse qui attend un modérateur",
        "approve": "je peux apprendre de cette réponse",
        "reject": "je ne dois pas apprendre de cette réponse",
        "correct": "apprendre à la place une meilleure réponse",
        "skip": "laisser cette réponse sans décision",
        "why": "d'où vient cette réponse",
        "ban": "ignorer les votes d'une personne",
        "unban": "compter de nouveau les votes d'une personne",
        "train": "une séance d'apprentissage",
        "adapters": "ce que j'ai appris, par version",
        "promote": "mettre une version en service",
        "rollback": "revenir à ce qui servait avant",
        "learning": "quand j'apprends",
        "persona": "qui je suis dans ce salon",
        "channel": "quand je réponds ici",
        "announce": "si je raconte ici ce que j'apprends",
        "stats": "notes, approbation et pertes au fil du temps",
    },
    {
        "TEXT": "TEXTE",
        "WHY": "RAISON",
        "WHO": "QUI",
        "NUMBER": "NUMÉRO",
        "VERSION": "VERSION",
        "WHEN": "QUAND",
    },
)

_PORTUGUESE: Final = Language(
    {
        "start": "dizer olá",
        "chat": "falar comigo",
        "better": "o que eu devia ter dito, em resposta a uma mensagem minha",
        "help": "o que sei fazer",
        "reset": "recomeçar a conversa aqui",
        "status": "como estou",
        "privacy": "o que guardo, e as suas escolhas",
        "forget": "apagar os seus dados",
        "flag": "denunciar uma resposta aos moderadores",
        "review": "a próxima resposta à espera de um moderador",
        "approve": "posso aprender com esta resposta",
        "reject": "não devo aprender com esta resposta",
        "correct": "aprender uma resposta melhor em vez desta",
        "skip": "deixar esta resposta por decidir",
        "why": "como surgiu esta resposta",
        "ban": "ignorar os votos de alguém",
        "unban": "voltar a contar os votos de alguém",
        "train": "uma sessão de aprendizagem",
        "adapters": "o que aprendi, por versão",
        "promote": "pôr uma versão em uso",
        "rollback": "voltar ao que estava em uso antes",
        "learning": "quando aprendo",
        "persona": "quem sou neste canal",
        "channel": "quando respondo aqui",
        "announce": "se conto aqui o que aprendo",
        "stats": "avaliações, aprovação e perdas ao longo do tempo",
    },
    {
        "TEXT": "TEXTO",
        "WHY": "MOTIVO",
        "WHO": "QUEM",
        "NUMBER": "NÚMERO",
        "VERSION": "VERSÃO",
        "WHEN": "QUANDO",
    },
)

_RUSSIAN: Final = Language(
    {
        "start": "поздороваться",
        "chat": "поговорить со мной",
        "better": "что мне следовало сказать, в ответ на моё сообщение",
        "help": "что я умею",
        "reset": "начать разговор здесь заново",
        "status": "как у меня дела",
        "privacy": "что я храню и что вы мне разрешаете",
        "forget": "удалить всё, что я о вас храню",
        "flag": "пожаловаться модераторам на ответ",
        "review": "следующий ответ, который ждёт модератора",
        "approve": "на этом ответе мне можно учиться",
        "reject": "на этом ответе мне нельзя учиться",
        "correct": "выучить вместо этого ответ получше",
        "skip": "оставить этот ответ без решения",
        "why": "как появился этот ответ",
        "ban": "не учитывать голоса участника",
        "unban": "снова учитывать голоса участника",
        "train": "раунд обучения",
        "adapters": "чему я научился, по версиям",
        "promote": "ввести версию в действие",
        "rollback": "вернуть то, что действовало раньше",
        "learning": "когда я учусь",
        "persona": "кто я в этом канале",
        "channel": "когда я здесь отвечаю",
        "announce": "рассказывать ли здесь, чему я учусь",
        "stats": "оценки, одобрение и потери за всё время",
    },
    {
        "TEXT": "ТЕКСТ",
        "WHY": "ПРИЧИНА",
        "WHO": "КТО",
        "NUMBER": "НОМЕР",
        "VERSION": "ВЕРСИЯ",
        "WHEN": "КОГДА",
    },
)

LANGUAGES: Final[Mapping[str, Language]] = {
    "de": _GERMAN,
    "es": _SPANISH,
    "fr": _FRENCH,
    "pt": _PORTUGUESE,
    "ru": _RUSSIAN,
}
