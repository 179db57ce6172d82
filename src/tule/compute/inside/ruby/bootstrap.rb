# frozen_string_literal: true

# The Ruby runtime of an instance: loads the handler, then answers events of the Runtime API until it is killed.  What functions see
# (context, errors) is as AWS's own runtime interface client gives it.
# AWS: https://docs.aws.amazon.com/lambda/latest/dg/ruby-handler.html

require 'json'
require 'socket'

module Tule
  # A client of the Runtime API on one connection.
  class RuntimeApi
    def initialize(place)
      @place = place
      host, port = place.split(':')
      @socket = TCPSocket.new(host, port.to_i)
      @socket.setsockopt(Socket::IPPROTO_TCP, Socket::TCP_NODELAY, 1)
    end

    # Headers, with names in lower case, and the event's text.
    def next_event
      send('GET', 'invocation/next')
    end

    def post(path, body, error_type = nil)
      send('POST', path, body, error_type)
    end

    private

    def send(method, path, body = nil, error_type = nil)
      head = "#{method} /2018-06-01/runtime/#{path} HTTP/1.1\r\nhost: #{@place}\r\n"
      head += "content-length: #{body.bytesize}\r\n" if body
      head += "lambda-runtime-function-error-type: #{error_type}\r\n" if error_type
      @socket.write("#{head}\r\n".b + (body || '').b)
      receive
    end

    def receive
      exit(0) if @socket.gets.nil?
      headers = {}
      while (line = @socket.gets("\r\n").chomp) != ''
        name, value = line.split(': ', 2)
        headers[name.downcase] = value
      end
      [headers, @socket.read(headers['content-length'].to_i).force_encoding('UTF-8')]
    end
  end

  # AWS: https://docs.aws.amazon.com/lambda/latest/dg/ruby-context.html
  class Context
    attr_reader :aws_request_id, :invoked_function_arn, :deadline_ms, :log_group_name, :log_stream_name, :memory_limit_in_mb,
                :function_name, :function_version, :identity, :client_context, :tenant_id

    def initialize(headers)
      @aws_request_id = headers['lambda-runtime-aws-request-id']
      @invoked_function_arn = headers['lambda-runtime-invoked-function-arn']
      @deadline_ms = headers['lambda-runtime-deadline-ms'].to_i
      @log_group_name = ENV['AWS_LAMBDA_LOG_GROUP_NAME']
      @log_stream_name = ENV['AWS_LAMBDA_LOG_STREAM_NAME']
      @memory_limit_in_mb = ENV['AWS_LAMBDA_FUNCTION_MEMORY_SIZE']
      @function_name = ENV['AWS_LAMBDA_FUNCTION_NAME']
      @function_version = ENV['AWS_LAMBDA_FUNCTION_VERSION']
      @identity = document(headers['lambda-runtime-cognito-identity'])
      @client_context = document(headers['lambda-runtime-client-context'])
      @tenant_id = headers['lambda-runtime-aws-tenant-id']
    end

    def get_remaining_time_in_millis
      left = deadline_ms - (Time.now.to_f * 1000).to_i
      left.positive? ? left : 0
    end

    private

    def document(text)
      text && JSON.parse(text)
    end
  end

  # `file.method`, or `file.Module::Class.method` for a method of a class itself.
  class Handler
    def initialize(text)
      file, *names = text.split('.')
      raise ArgumentError, "Invalid handler #{text}, must be of form FILENAME.METHOD or FILENAME.CLASS.METHOD" unless names.size.between?(1, 2)

      @method = names.pop
      require File.expand_path(file, ENV['LAMBDA_TASK_ROOT'])
      @target = names.empty? ? TOPLEVEL_BINDING.receiver : Kernel.const_get(names.first)
    end

    def call(event, context)
      @target.send(@method, event: event, context: context)
    end
  end

  # AWS: https://docs.aws.amazon.com/lambda/latest/dg/ruby-exceptions.html
  module Errors
    def self.document(error, whose)
      frames = (error.backtrace || []).reject { |frame| frame.start_with?(__FILE__) }
      { errorMessage: error.message, errorType: "#{whose}<#{error.class}>", stackTrace: frames }
    end

    def self.tell(title, document)
      puts title
      puts JSON.generate(document)
    end
  end

  def self.serve
    $stdout.sync = $stderr.sync = true
    task = ENV['LAMBDA_TASK_ROOT']
    Dir.chdir(task)
    $LOAD_PATH.unshift(task, *ENV.fetch('RUBYLIB', '').split(':'))
    api = RuntimeApi.new(ENV['AWS_LAMBDA_RUNTIME_API'])
    handler = load_handler(api)
    loop { answer(api, handler, *api.next_event) }
  end

  def self.load_handler(api)
    Handler.new(ENV['_HANDLER'])
  rescue Exception => e # rubocop:disable Lint/RescueException - a missing file is no StandardError
    document = Errors.document(e, 'Init')
    Errors.tell('Init error when loading handler', document)
    api.post('init/error', JSON.generate(document), document[:errorType])
    exit(1)
  end

  def self.answer(api, handler, headers, text)
    ENV['_X_AMZN_TRACE_ID'] = headers['lambda-runtime-trace-id']
    id = headers['lambda-runtime-aws-request-id']
    result = handler.call(JSON.parse(text), Context.new(headers))
    api.post("invocation/#{id}/response", result.respond_to?(:read) ? result.read : JSON.generate(result))
  rescue StandardError, ScriptError, NoMemoryError => e
    document = Errors.document(e, 'Function')
    Errors.tell('Error raised from handler method', document)
    api.post("invocation/#{id}/error", JSON.generate(document), document[:errorType])
  end
end

Tule.serve
