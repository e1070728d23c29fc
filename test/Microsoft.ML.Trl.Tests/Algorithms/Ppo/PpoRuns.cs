using System.Text.Json;

namespace Microsoft.ML.Trl.Tests.Algorithms.Ppo;

/// <summary>Reads what a recorded run of TRL's PPO was given.</summary>
internal static class PpoRuns
{
    public static PpoOptions Options(JsonElement config) => new PpoOptions
    {
        LearningRate = config.GetProperty("learning_rate").GetDouble(),
        BatchSize = config.GetProperty("batch_size").GetInt32(),
        MiniBatchSize = config.GetProperty("mini_batch_size").GetInt32(),
        GradientAccumulationSteps = config.GetProperty("gradient_accumulation_steps").GetInt32(),
        PpoEpochs = config.GetProperty("ppo_epochs").GetInt32(),
        MaxGradNorm = config.GetProperty("max_grad_norm").Deserialize<double?>() ?? 0,
        AdapKlCtrl = config.GetProperty("adap_kl_ctrl").GetBoolean(),
        InitKlCoef = config.GetProperty("init_kl_coef").GetDouble(),
        KlPenalty = config.GetProperty("kl_penalty").Deserialize<KlPenalty>(),
        Target = config.GetProperty("target").GetDouble(),
        Horizon = config.GetProperty("horizon").GetDouble(),
        Gamma = config.GetProperty("gamma").GetDouble(),
        Lam = config.GetProperty("lam").GetDouble(),
        Cliprange = config.GetProperty("cliprange").GetDouble(),
        CliprangeValue = config.GetProperty("cliprange_value").GetDouble(),
        VfCoef = config.GetProperty("vf_coef").GetDouble(),
        EarlyStopping = config.GetProperty("early_stopping").GetBoolean(),
        TargetKl = config.GetProperty("target_kl").GetDouble(),
        RatioThreshold = config.GetProperty("ratio_threshold").GetDouble(),
        UseScoreScaling = config.GetProperty("use_score_scaling").GetBoolean(),
        UseScoreNorm = config.GetProperty("use_score_norm").GetBoolean(),
        ScoreClip = config.GetProperty("score_clip").Deserialize<double?>(),
        WhitenRewards = config.GetProperty("whiten_rewards").GetBoolean(),
    };

    public static Dictionary<string, double> Figures(JsonElement statistics) =>
        statistics.EnumerateObject().ToDictionary(figure => figure.Name, figure => figure.Value.GetDouble());

    public static bool[][]? Masks(JsonElement masks) => masks.ValueKind == JsonValueKind.Null
        ? null
        : [.. masks.Deserialize<int[][]>()!.Select(row => Array.ConvertAll(row, entry => entry == 1))];

    public static PpoLayout Layout(int[][] queries, int[][] responses, int[][] permutations, bool left) => new(
        Array.ConvertAll(queries, query => query.Length),
        Array.ConvertAll(responses, response => response.Length),
        [.. permutations.SelectMany(order => order)],
        left);
}
