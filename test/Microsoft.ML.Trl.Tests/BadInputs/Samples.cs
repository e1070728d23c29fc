using System.Text;
using Microsoft.ML.Trl.Tests.TestSupport;
using static TorchSharp.torch;

namespace Microsoft.ML.Trl.Tests.BadInputs;

/// <summary>Good models that bad inputs are given to, made once and never changed.</summary>
internal static class Samples
{
    /// <summary>40 tokens, width 16, 2 blocks of 2 heads, context 32.</summary>
    public static ModelConfig Config { get; } = ModelConfig.Gpt2(40, 16, 2, 2, 32, dropout: 0);

    public static MLContext Ml { get; } = new(1);

    private static readonly Lazy<CausalLanguageModel> MadeNetwork = new(() => CausalLanguageModel.Create(Config, 1));
    private static readonly Lazy<RewardModel> MadeScorer = new(() => RewardModel.Create(Config, 1));
    private static readonly Lazy<ValueHead> MadeHead = new(() => ValueHead.Create(16, 1));
    private static readonly Lazy<LanguageModel> MadeLanguage = new(() => Tiny.Model());
    private static readonly Lazy<TextRewardModel> MadeReward = new(() =>
        new TextRewardModel(RewardModel.Create(Tiny.Config(), 1), Tiny.Tokenizer));

    /// <summary>Of <see cref="Config"/>.</summary>
    public static CausalLanguageModel Network => MadeNetwork.Value;

    /// <summary>Of <see cref="Config"/>.</summary>
    public static RewardModel Scorer => MadeScorer.Value;

    /// <summary>For states of <see cref="Config"/>.</summary>
    public static ValueHead Head => MadeHead.Value;

    public static LanguageModel Language => MadeLanguage.Value;

    public static TextRewardModel Reward => MadeReward.Value;

    /// <summary>A tensor that its owner gave back.</summary>
    public static Tensor Disposed(Tensor gone)
    {
        gone.Dispose();
        return gone;
    }

    /// <summary>Of <see cref="Config"/>, and gone.</summary>
    public static CausalLanguageModel DisposedNetwork()
    {
        CausalLanguageModel model = CausalLanguageModel.Create(Config, 1);
        model.Dispose();
        return model;
    }

    /// <summary>For states of <see cref="Config"/>, and gone.</summary>
    public static ValueHead DisposedHead()
    {
        ValueHead head = ValueHead.Create(16, 1);
        head.Dispose();
        return head;
    }

    /// <summary>Gives a folder with files, and deletes it.</summary>
    /// <param name="files">Names and contents, a byte per character.</param>
    /// <param name="act">Gets the folder's path.</param>
    public static void InFolder((string Name, string Content)[] files, Action<string> act)
    {
        DirectoryInfo folder = Directory.CreateTempSubdirectory("trl-bad-");
        try
        {
            foreach ((string name, string content) in files)
                File.WriteAllText(Path.Combine(folder.FullName, name), content, Encoding.Latin1);
            act(folder.FullName);
        }
        finally
        {
            folder.Delete(recursive: true);
        }
    }
}
