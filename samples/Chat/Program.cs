using Microsoft.Extensions.AI;
using Microsoft.ML.Trl;

// Chats in the terminal with a model from a folder in Hugging Face's layout, or with a GGUF file of llama.cpp.
// usage: dotnet run --project samples/Chat -c Release -- FOLDER-OR-FILE [instructions]
// An empty line ends it; Ctrl+C stops an answer.
if (args.Length is 0 or > 2)
{
    Console.Error.WriteLine("usage: Chat FOLDER-OR-FILE [instructions]");
    return 2;
}
using LanguageModel? model = Open(args[0]);
if (model is null)
    return 1;
using IChatClient client = model.AsChatClient(Path.GetFileName(args[0]));
var options = new ChatOptions { Instructions = args.ElementAtOrDefault(1), MaxOutputTokens = 512, Temperature = 0.7f, TopP = 0.95f };
List<ChatMessage> conversation = [];
CancellationTokenSource? answering = null;
Console.CancelKeyPress += (_, press) => press.Cancel = answering is { } running && Stop(running);
Console.WriteLine($"{model.Network.Config.ModelType}, {model.Network.ParameterCount:N0} parameters");

while (Ask() is { Length: > 0 } question)
{
    conversation.Add(new ChatMessage(ChatRole.User, question));
    answering = new CancellationTokenSource();
    List<ChatResponseUpdate> updates = [];
    try
    {
        await foreach (ChatResponseUpdate update in client.GetStreamingResponseAsync(conversation, options, answering.Token))
        {
            updates.Add(update);
            Console.Write(update.Text);
        }
    }
    catch (OperationCanceledException)
    {
        Console.Write(" [stopped]");
    }
    catch (Exception error) when (error is ArgumentException or InvalidOperationException) // too long, or refused by the template
    {
        Console.WriteLine(error.Message);
        conversation.RemoveAt(conversation.Count - 1);
        continue;
    }
    ChatResponse answer = updates.ToChatResponse();
    conversation.AddMessages(answer);
    Console.WriteLine($"\n({answer.Usage?.OutputTokenCount} tokens, {answer.FinishReason})");
}
return 0;

static LanguageModel? Open(string path)
{
    try
    {
        LanguageModel model = path.EndsWith(".gguf", StringComparison.OrdinalIgnoreCase)
            ? LanguageModel.LoadGguf(path) : LanguageModel.Load(path);
        if (model.Tokenizer.ChatTemplate is not null)
            return model;
        model.Dispose();
        Console.Error.WriteLine($"The model in '{path}' has no chat template; give one that was trained to chat.");
    }
    catch (Exception error) when (error is IOException or InvalidDataException or NotSupportedException or ArgumentException)
    {
        Console.Error.WriteLine(error.Message);
    }
    return null;
}

static string? Ask()
{
    Console.Write("> ");
    return Console.ReadLine();
}

static bool Stop(CancellationTokenSource running)
{
    running.Cancel();
    return true;
}
