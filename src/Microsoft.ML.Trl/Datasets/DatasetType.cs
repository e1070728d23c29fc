namespace Microsoft.ML.Trl;

/// <summary>What the rows of a data set are, as TRL's documentation names them ("Dataset formats and types").</summary>
public enum DatasetType
{
    /// <summary><c>text</c>, or <c>messages</c> where conversational: for SFT.</summary>
    LanguageModeling,

    /// <summary><c>prompt</c>: for PPO.</summary>
    PromptOnly,

    /// <summary><c>prompt</c> and <c>completion</c>: for SFT.</summary>
    PromptCompletion,

    /// <summary><c>prompt</c>, <c>chosen</c> and <c>rejected</c>: for reward models and the methods of pairs.</summary>
    Preference,

    /// <summary><c>chosen</c> and <c>rejected</c>, which both begin with the prompt.</summary>
    ImplicitPromptPreference,

    /// <summary><c>prompt</c>, <c>completion</c> and <c>label</c>: for KTO and BCO.</summary>
    UnpairedPreference,

    /// <summary><c>prompt</c>, <c>completions</c> (the steps) and <c>labels</c>: for process reward models.</summary>
    StepwiseSupervision,
}
